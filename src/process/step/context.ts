import { isPlainObject } from '../../ports/plain.ts'
import { getOwn, holderAt, setOwn } from '../../shared/own.ts'
import { SpecError, TransitionError, UpstreamFailed } from '../../shared/errors.ts'
import { checkOptions, isFlag } from '../../shared/options.ts'
import type { Carrier } from '../../spec/named-methods.ts'
import { isHandle, type HandleLike } from '../state/awaits.ts'
import { Continue, exitCodeText, Wait } from '../state/commands.ts'
import type { Settled } from '../host/process-handle.ts'
import type { ProcessObject } from '../host/process-object.ts'
import { AllowFailure } from '../host/input-marks.ts'
import type { ContextTarget } from '../state/state-data.ts'

/** A handle whose result is added to the list of its key. */
export class Append<H extends HandleLike | AllowFailure = HandleLike | AllowFailure> {
  /** Type only. */
  declare readonly '~kind': 'append'
  readonly handle: H

  constructor(handle: H) {
    this.handle = handle
  }
}

/**
 * In `toContext`: adds the result to the list of that key. Results are in the order of the calls,
 * whatever the order in which the processes end.
 */
export function append<H extends HandleLike | AllowFailure>(handle: H): Append<H> {
  return new Append(handle)
}

/**
 * Values for the context of a work chain, under dotted names. A handle stands for the result of its
 * process, a list of handles for a list of results. Other values are stored as they are.
 */
export type ContextValues = Readonly<Record<string, unknown>>

/** Options of `toContext`. */
export interface ContextOptions {
  /**
   * Whether the handles stand for the outputs of their processes, as `handle.outputs.all()` gives
   * them, and not for what the last steps returned. Default false.
   */
  readonly outputs?: boolean | undefined
}

/** A step returns this to get the results of processes into `ctx` before the next step. */
export class ToContext<V = ContextValues, O = boolean> {
  /** Type only: what was given. Any other type is assignable, so a subclass may give other values. */
  declare readonly '~given'?: Carrier<V>
  /** Type only: whether the handles stand for outputs. */
  declare readonly '~outputs'?: Carrier<O>
  readonly values: ContextValues
  readonly outputs: boolean

  constructor(values: ContextValues, options: ContextOptions = {}) {
    checkOptions(options, { outputs: isFlag }, 'toContext')
    this.values = values
    this.outputs = options.outputs ?? false
  }
}

/**
 * A step of a work chain returns this to get the results of these processes into `ctx` before the
 * next step, or with `outputs: true` their outputs.
 *
 * @throws TypeError for an unknown option
 */
export function toContext<const V extends ContextValues, O extends boolean = false>(
  values: V,
  options: ContextOptions & { readonly outputs?: O | undefined } = {},
): ToContext<V, O> {
  return new ToContext<V, O>(values, options)
}

/** What a step gives for the context: by calls of `this.toContext`, and by its return value. */
export class ContextUpdates {
  readonly #given: ToContext[] = []

  add(given: ToContext): void {
    this.#given.push(given)
  }

  /** Forgets what a failed attempt gave: the next one gives it again. */
  forget(): void {
    this.#given.length = 0
  }

  /** @throws TransitionError for what a predicate gave */
  assertNone(): void {
    if (this.#given.length === 0) return
    throw new TransitionError('a predicate of the outline has called toContext: only a step may')
  }

  /**
   * Forgets what was given, if the step ends otherwise. @throws TransitionError if the process
   * continues, and would lack it
   */
  drop(returned: unknown): void {
    const dropped = this.#given.splice(0)
    if (dropped.length === 0 || !(returned instanceof Continue || returned instanceof Wait)) return
    throw new TransitionError(
      `the step has called toContext and returned a ${returned.constructor.name}: the values for ctx would be lost. Return nothing, so that the outline continues`,
    )
  }

  /** Puts plain values into the context, and returns the processes whose results are to come. */
  apply(ctx: Record<string, unknown>): { readonly pids: string[]; readonly into: ContextTarget[] } {
    const pids: string[] = []
    const into: ContextTarget[] = []
    const add = (key: string, given: unknown, outputs: boolean, appended: boolean): void => {
      const allowed = given instanceof AllowFailure
      const handle: unknown = allowed ? given.handle : given
      if (!isHandle(handle)) throw notAwaited(key, handle)
      pids.push(handle.pid)
      into.push({
        key,
        ...(appended && { append: true }),
        ...(allowed && { allowFailure: true }),
        ...(outputs && { outputs: true }),
      })
    }
    for (const { values, outputs } of this.#given.splice(0)) {
      for (const [key, value] of Object.entries(values)) {
        if (value instanceof Append) add(key, value.handle, outputs, true)
        else if (isListOfHandles(value)) {
          put(ctx, key, [], false)
          for (const one of value) add(key, one, outputs, true)
        } else if (isGiven(value)) add(key, value, outputs, false)
        else if (value instanceof Promise) throw notAwaited(key, value)
        else put(ctx, key, value, false)
      }
    }
    return { pids, into }
  }
}

/**
 * What a step gave for the context, if it returned nothing else. Undefined if the returned value
 * decides the next state, and not the outline.
 *
 * @throws TransitionError if the step did both
 */
export function updatesOf(given: ContextUpdates, returned: unknown): ContextUpdates | undefined {
  if (returned === undefined) return given
  if (returned instanceof ToContext) given.add(returned)
  else if (isOfHandles(returned)) given.add(new ToContext(returned))
  else {
    given.drop(returned)
    return undefined
  }
  return given
}

/**
 * Whether a step returned handles by name. With one handle per item of an empty list, that is `{}`
 * or `{ jobs: [] }`: then too, the chain continues.
 */
function isOfHandles(value: unknown): value is ContextValues {
  if (!isPlainObject(value)) return false
  const values = Object.values(value)
  return (
    values.every((one) => Array.isArray(one) && one.length === 0) ||
    values.some((one) => isGiven(one) || one instanceof Append || isListOfHandles(one))
  )
}

function isGiven(value: unknown): boolean {
  return isHandle(value) || value instanceof AllowFailure
}

/** Whether a list has a handle in it. All its items must then be handles. */
function isListOfHandles(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.some((one) => isGiven(one))
}

function notAwaited(key: string, given: unknown): TransitionError {
  // Only the error reports what becomes of the promise.
  if (given instanceof Promise) given.catch(() => {})
  return new TransitionError(
    `toContext: ${key} was given ${given instanceof Promise ? 'a promise' : typeof given} where it takes a handle. Has an \`await\` been forgotten before \`this.launch\`?`,
  )
}

/**
 * Puts how processes ended into the context.
 *
 * @throws UpstreamFailed for the first that failed, or did not succeed, if that was not allowed
 */
export function intoContext(
  { pid, ctx }: ProcessObject,
  into: readonly ContextTarget[],
  pids: readonly string[],
  outcomes: readonly (Settled<unknown> | undefined)[],
): void {
  into.forEach(({ key, append: appended = false, allowFailure: allowed = false }, index) => {
    const outcome = outcomes[index]
    if (outcome === undefined) return
    const failed = (how: string, cause?: Error): UpstreamFailed =>
      new UpstreamFailed(
        pid,
        pids[index] as string,
        `the process ${pids[index]}, which was to give ctx.${key}, failed: ${how}. Give it with allowFailure(handle) to have its outcome instead`,
        cause && { cause },
      )
    if (allowed) {
      put(ctx as Record<string, unknown>, key, outcome, appended)
      return
    }
    if (outcome.status === 'rejected') throw failed(outcome.reason.message, outcome.reason)
    if (!outcome.state.successful) {
      const { exitCode, message } = outcome.state
      const how = exitCode === undefined ? message : exitCodeText(exitCode)
      throw failed(`it finished unsuccessfully${how === undefined ? '' : `, ${how}`}`)
    }
    put(ctx as Record<string, unknown>, key, outcome.value, appended)
  })
}

/** Sets a value under a dotted name. */
function put(ctx: Record<string, unknown>, key: string, value: unknown, appended: boolean): void {
  let at: object
  let last: string
  try {
    ;[at, last] = holderAt(ctx, key, 'ctx.')
  } catch (error) {
    throw new SpecError((error as Error).message)
  }
  if (!appended) {
    setOwn(at, last, value)
    return
  }
  const list = getOwn(at, last)
  if (list === undefined) setOwn(at, last, [value])
  else if (Array.isArray(list)) list.push(value)
  else throw new SpecError(`ctx.${key} is no list that could be added to, but ${typeof list}`)
}
