import { getOwn } from '../../shared/own.ts'
import type { ExitCodeInfo } from './commands.ts'
import {
  ALLOW_FAILURE,
  becauseText,
  endingText,
  exceptedText,
  lateText,
  reasonOf,
  unsuccessfulText,
} from './ending-texts.ts'
import { parseObject } from './saved-state.ts'

/*
 * The part `state` of a call that the store ends before it has run, with the error for its caller.
 * The store has no classes, so errors stay in their saved form here (`bundle/codec.ts`).
 */

/** The most causes that an `UpstreamFailed` has, so that a long chain of processes stays small. */
export const LONGEST_CHAIN = 10

/** How a process ended, from its row. */
export interface StoredEnd {
  readonly pid: string
  readonly className: string
  readonly state: string
  readonly successful: boolean
  readonly message: string | null
  readonly exitCode: ExitCodeInfo | null
  /** The part `state`. */
  readonly data: string
}

type SavedError = Record<string, unknown>

/** The message and the part `state` of a call with a need that was not met. */
export function upstreamFailure(
  pid: string,
  end: StoredEnd,
): { readonly message: string; readonly text: string } {
  const cause = causeOf(end)
  const advice = end.successful ? '' : ALLOW_FAILURE
  const message = `it needs the process ${end.pid} (${end.className}), ${howItEnded(end, cause)}${advice}`
  return { message, text: unservedStateText(pid, end.pid, message, cause && bounded(cause)) }
}

/**
 * The part `state` of a call that can't run because of the process `upstream`. `cause` is an error in its
 * saved form.
 */
export function unservedStateText(pid: string, upstream: string, message: string, cause: unknown): string {
  const error = savedError('UpstreamFailed', 'UPSTREAM_FAILED', message, { pid, upstream }, cause)
  return JSON.stringify({ label: 'excepted', error, upstream: true })
}

/** The message and the part `state` of a call that still waited for these processes when its timeout had passed. */
export function lateFailure(
  pid: string,
  pending: readonly string[],
): { readonly message: string; readonly text: string } {
  const said = lateText(pid, pending)
  const error = savedError('WaitTimeout', 'WAIT_TIMEOUT', said, { pending, total: pending.length })
  return { message: said, text: JSON.stringify({ label: 'excepted', error }) }
}

/** The error in the part `state` of a process that was excepted, in its saved form. */
export function errorIn(data: string): unknown {
  return getOwn(parseObject(data) ?? {}, 'error')
}

/** The error that stands for how a process failed; undefined if it succeeded. */
function causeOf(end: StoredEnd): SavedError | undefined {
  const { pid, className, successful, state, message, exitCode } = end
  if (successful) return undefined
  if (state === 'killed') return savedError('ProcessKilled', 'PROCESS_KILLED', message ?? 'killed', { pid })
  const data = parseObject(end.data) ?? {}
  const error = getOwn(data, 'error')
  if (state === 'excepted') {
    // A process that never started threw nothing itself.
    if (getOwn(data, 'upstream') === true && isError(error)) return error
    const said = isError(error) ? `${String(error['name'])}: ${String(error['message'])}` : message
    const text = exceptedText(pid, className, said ?? 'an error')
    return savedError('ProcessExcepted', 'PROCESS_EXCEPTED', text, { pid }, error)
  }
  const text = unsuccessfulText(pid, className, reasonOf(end))
  const missing = getOwn(data, 'missing') ?? []
  const fields = { pid, ...(exitCode !== null && { exitCode }), missing }
  return savedError('ProcessUnsuccessful', 'PROCESS_UNSUCCESSFUL', text, fields)
}

/** How a process failed or, if it failed because of others, how the first of them failed. */
function howItEnded(end: StoredEnd, cause: SavedError | undefined): string {
  const chain = chainOf(cause)
  const last = chain.findLast(isUpstreamFailed)
  if (last === undefined) return endingText(end)
  const first = chain[chain.indexOf(last) + 1]
  // The error before it may be that of another process, since a long chain is shortened.
  const pid = (first && fieldOf(first, 'pid')) ?? fieldOf(last, 'upstream') ?? end.pid
  return becauseText(pid, first && String(first['message']))
}

/**
 * An error with its causes; the middle of a long chain is left out. The last cause is the error of
 * the process that failed first.
 */
function bounded(error: SavedError): SavedError {
  const chain = chainOf(error)
  const first = chain.findLastIndex(isUpstreamFailed) + 1
  const kept = chain[LONGEST_CHAIN - 1]
  if (first > LONGEST_CHAIN && kept !== undefined) kept['cause'] = chain[first]
  return error
}

/** An error and its causes. */
function chainOf(error: unknown): readonly SavedError[] {
  const chain: SavedError[] = []
  for (let at = error; isError(at); at = getOwn(at, 'cause')) chain.push(at)
  return chain
}

function isError(value: unknown): value is SavedError {
  return typeof value === 'object' && value !== null && getOwn(value, '$') === 'Error'
}

function fieldOf(error: SavedError, name: string): string | undefined {
  const value = getOwn(error['fields'] ?? {}, name)
  return typeof value === 'string' ? value : undefined
}

function isUpstreamFailed(error: SavedError): boolean {
  return error['class'] === 'UpstreamFailed'
}

function savedError(
  name: string,
  code: string,
  message: string,
  fields: Readonly<Record<string, unknown>>,
  cause?: unknown,
): SavedError {
  return {
    $: 'Error',
    class: name,
    name,
    message,
    stack: `${name}: ${message}`,
    ...(cause !== undefined && { cause }),
    fields: { code, ...fields },
  }
}
