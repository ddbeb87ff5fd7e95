import {
  checkOptions,
  isAbortSignal,
  isDuration,
  isFlag,
  shown,
  type OptionNames,
} from '../../shared/options.ts'
import type {
  DoneRef,
  ProcessHandle,
  Ref,
  ResultOptions,
  Settled,
  StateInfo,
  WaitOptions,
} from '../host/process-handle.ts'
import { AllowFailure, Quoted } from '../host/input-marks.ts'
import { isHandle } from '../state/awaits.ts'
import { withinStep } from '../step/operation.ts'
import { DoneReference, OutputReference, settledOutput } from './output-reference.ts'
import { savedReference } from './reference.ts'
import { Search } from './search.ts'

/** Options of `resolveHandles`. */
export interface ResolveOptions extends ResultOptions {
  /**
   * How many levels deep to look for handles: with 1, only directly in the given list or object.
   * Default: no limit.
   */
  readonly maxDepth?: number | undefined
}

/** Several handles that are resolved together. */
interface GroupLike<R> {
  readonly handles: readonly Ref<R>[]
  result(options?: ResultOptions): Promise<unknown>
}

type Opaque = Date | Uint8Array | ((...args: never) => unknown)

/** The type of the result of `resolveHandles`. */
export type Resolved<T> = T extends DoneRef
  ? true
  : T extends Ref<infer R>
    ? R
    : T extends Quoted<infer Q>
      ? Q
      : T extends AllowFailure<infer H>
        ? Settled<H extends Ref<infer R> ? R : unknown>
        : T extends GroupLike<infer R>
          ? R[]
          : T extends Opaque
            ? T
            : T extends Map<infer K, infer V>
              ? Map<Resolved<K>, Resolved<V>>
              : T extends Set<infer E>
                ? Set<Resolved<E>>
                : T extends object
                  ? { [K in keyof T]: Resolved<T[K]> }
                  : T

/** The type of the result of `resolveStates`. */
export type ResolvedStates<T> = T extends Ref | DoneRef | AllowFailure
  ? StateInfo
  : T extends Quoted<infer Q>
    ? Q
    : T extends GroupLike<unknown>
      ? StateInfo[]
      : T extends Opaque
        ? T
        : T extends Map<infer K, infer V>
          ? Map<ResolvedStates<K>, ResolvedStates<V>>
          : T extends Set<infer E>
            ? Set<ResolvedStates<E>>
            : T extends object
              ? { [K in keyof T]: ResolvedStates<T[K]> }
              : T

const WAIT: OptionNames<WaitOptions> = { timeout: isDuration, signal: isAbortSignal }
const OPTIONS: OptionNames<ResolveOptions> = { ...WAIT, raiseOnFailure: isFlag, maxDepth: isDepth }

/**
 * Waits for all handles and references in a value, and resolves to the value with their results in
 * their places: in lists, plain objects, maps (also as keys) and sets, at any depth. A value
 * without handles is returned as the same object. Shared objects stay shared, and a result is not
 * searched for further handles. `allowFailure(handle)` is replaced by the settled outcome,
 * `quote(x)` by `x`.
 *
 * Rejects with the error of the first process that failed, as `handle.result()` does. With
 * `raiseOnFailure: false`, the error takes the place of the result. The timeout applies to all of
 * them together.
 *
 * @throws TypeError or RangeError for wrong options
 */
export async function resolveHandles<T>(value: T, options: ResolveOptions = {}): Promise<Resolved<T>> {
  checkOptions(options, OPTIONS, 'resolveHandles')
  const { maxDepth, ...reading } = options
  return (await resolved(value, maxDepth, (item) => resultOf(item, reading))) as Resolved<T>
}

/**
 * As `resolveHandles`, but replaces the handles with the final states of their processes. A failed
 * process does not cause a rejection. Rejects with `WaitTimeout` at the timeout.
 *
 * @throws TypeError or RangeError for wrong options
 */
export async function resolveStates<T>(value: T, options: WaitOptions = {}): Promise<ResolvedStates<T>> {
  checkOptions(options, WAIT, 'resolveStates')
  return (await resolved(value, undefined, (item) => stateOf(item, options))) as ResolvedStates<T>
}

async function resolved(
  value: unknown,
  maxDepth: number | undefined,
  read: (item: object) => Promise<unknown>,
): Promise<unknown> {
  const search = Search.for(value, isResolvable, maxDepth)
  if (search === undefined) return value
  for (const item of search.found) if (item instanceof AllowFailure) savedReference(item)
  const values = new Map<object, unknown>()
  const readings = search.found.map(async (item) => {
    values.set(item, item instanceof Quoted ? item.value : await read(item))
  })
  // If several reads fail, only the first failure is reported.
  for (const reading of readings) reading.catch(() => {})
  await withinStep(Promise.all(readings))
  return search.replaced(values)
}

function isResolvable(value: object): boolean {
  return (
    value instanceof Quoted ||
    value instanceof AllowFailure ||
    value instanceof OutputReference ||
    value instanceof DoneReference ||
    isHandle(value) ||
    isGroup(value)
  )
}

function isGroup(value: object): value is GroupLike<unknown> {
  const { handles, result } = value as { readonly handles?: unknown; readonly result?: unknown }
  return typeof result === 'function' && Array.isArray(handles) && handles.every((one) => isHandle(one))
}

async function resultOf(item: object, options: ResultOptions): Promise<unknown> {
  if (item instanceof AllowFailure) return outcomeOf(item.handle, options)
  if (item instanceof OutputReference) return item.result(options)
  if (isGroup(item)) return item.result(options)
  const { raiseOnFailure = true, ...waiting } = options
  if (item instanceof DoneReference) {
    return raiseOnFailure ? item.result(waiting) : item.result(waiting).catch((error: unknown) => error)
  }
  const handle = item as ProcessHandle
  return raiseOnFailure ? handle.result(waiting) : handle.result({ ...waiting, raiseOnFailure: false })
}

function outcomeOf(item: object, { timeout, signal }: ResultOptions): Promise<Settled<unknown>> {
  const waiting = { timeout, signal }
  if (item instanceof OutputReference) return settledOutput(item.handle, item.key, waiting)
  return handleOf(item).outcome(waiting)
}

async function stateOf(item: object, options: WaitOptions): Promise<StateInfo | readonly StateInfo[]> {
  if (item instanceof AllowFailure) return stateOf(item.handle, options)
  if (isGroup(item)) return Promise.all(item.handles.map((one) => endOf(one as ProcessHandle, options)))
  return endOf(handleOf(item), options)
}

function handleOf(item: object): ProcessHandle {
  return item instanceof OutputReference || item instanceof DoneReference
    ? item.handle
    : (item as ProcessHandle)
}

async function endOf(handle: ProcessHandle, options: WaitOptions): Promise<StateInfo> {
  return (await handle.outcome(options)).state
}

function isDepth(what: string, value: unknown): void {
  if (typeof value !== 'number' || Number.isNaN(value) || value < 0)
    throw new RangeError(`${what} is a number of levels from 0, not ${shown(value)}`)
}
