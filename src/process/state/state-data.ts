import type { ExitCodeInfo } from './commands.ts'
import type { Awaits } from './awaits.ts'
import type { Dropped } from './dropped.ts'
import { thrownText } from '../../shared/error-text.ts'
import { UpstreamFailed } from '../../shared/errors.ts'
import { wellFormed } from '../../shared/text.ts'
import type { TransitionEnding, WaitConditions, WakeUp } from './transition.ts'

/*
 * A state together with its data. The `state` part of a bundle holds it.
 */

export interface Created {
  readonly label: 'created'
}

/**
 * The data of a step, from when the step is chosen until its command is committed, whatever states
 * lie between.
 */
export interface StepFacts {
  readonly args: readonly unknown[]
  /**
   * Whether the first two arguments are the value and the wake-up of a wait. The step then also
   * finds the value in the wake-up.
   */
  readonly woken?: true | undefined
  /** The position of a work chain in its outline. */
  readonly at?: string | undefined
  /**
   * Whether the step at that position is done, or no step has begun. The outline then continues
   * from there, and the step is not called.
   */
  readonly onward?: true | undefined
  /**
   * The number of the step, which names its effects and children; undefined if it is the number
   * of the transition into the step.
   */
  readonly number?: number | undefined
  /**
   * In a restarted process, the process whose step this was. Effects keep their keys by it.
   */
  readonly origin?: string | undefined
  /** The number of the attempt; 1 if it is undefined. */
  readonly attempt?: number | undefined
  /**
   * The processes that the wait before the step was for. How they ended is fetched when the step
   * begins, and is passed before its arguments.
   */
  readonly ended?: Awaits | undefined
  /**
   * Where the results of those processes go in the context of a work chain, in the order of the
   * pids.
   */
  readonly into?: readonly ContextTarget[] | undefined
}
export interface Running extends StepFacts {
  readonly label: 'running'
  readonly step: string
  /** The message of the last failure, if the step is played after its attempts were used up. */
  readonly failure?: string | undefined
}
export interface Waiting {
  readonly label: 'waiting'
  /** The step after the wait; null if the process then finishes with the value. */
  readonly step: string | null
  readonly message: string | undefined
  readonly data: unknown
  /** The name of the signal that ends the wait. */
  readonly receive?: string | undefined
  /** When the wait ends, in wall-clock milliseconds. */
  readonly until?: number | undefined
  /** The processes whose end ends the wait. */
  readonly on?: Awaits | undefined
  readonly into?: readonly ContextTarget[] | undefined
  readonly at?: string | undefined
  /** Set while the step backs off: the data of the next attempt. Only the time ends such a wait. */
  readonly retry?: (StepFacts & { readonly attempt: number; readonly failure: string }) | undefined
}

/** Where the result of a process goes in the context of a work chain. */
export interface ContextTarget {
  /** A dotted name. */
  readonly key: string
  /** Whether the result is added to the list of that name. */
  readonly append?: true | undefined
  /** Whether a failure is stored, as its `Settled`, rather than failing the chain. */
  readonly allowFailure?: true | undefined
  /** Whether the outputs of the process are stored, and not what its last step returned. */
  readonly outputs?: true | undefined
}
export interface Finished {
  readonly label: 'finished'
  readonly result: unknown
  readonly successful: boolean
  readonly exitCode: ExitCodeInfo | undefined
  /** For an unsuccessful process, what is missing. */
  readonly message: string | undefined
  /** The dotted names of the required outputs that were never emitted. */
  readonly missing?: readonly string[] | undefined
  readonly dropped?: Dropped | undefined
}
export interface Excepted {
  readonly label: 'excepted'
  readonly error: unknown
  readonly dropped?: Dropped | undefined
}
export interface Killed {
  readonly label: 'killed'
  readonly message: string | undefined
  readonly dropped?: Dropped | undefined
}
export type StateData = Created | Running | Waiting | Finished | Excepted | Killed

/**
 * The wake-up as a step sees it, without the id that the store uses.
 */
export function visibleWakeUp({ by, signal }: WakeUp): Pick<WakeUp, 'by' | 'signal'> {
  return signal === undefined ? { by } : { by, signal }
}

/**
 * Whether a resume ends this wait. It does not end a back-off, nor the wait of a work chain for its
 * context.
 */
export function isResumable(state: StateData): boolean {
  return state.label === 'waiting' && state.retry === undefined && state.into === undefined
}

/** The conditions that a process in this state waits for. */
export function conditionsOf(state: StateData): WaitConditions | null {
  if (state.label !== 'waiting') return null
  return {
    resume: isResumable(state),
    signal: state.receive ?? null,
    until: state.until ?? null,
    on: state.on?.pids ?? [],
    any: state.on?.any ?? false,
  }
}

/** The number of the attempt at the step of this state. */
export function attemptOf(state: StateData): number {
  if (state.label === 'running') return state.attempt ?? 1
  return state.label === 'waiting' ? (state.retry?.attempt ?? 1) : 1
}

export function finished(
  result: unknown,
  successful = true,
  exitCode?: ExitCodeInfo,
  message?: string,
): Finished {
  return { label: 'finished', result, successful, exitCode: exitCode && plainExitCode(exitCode), message }
}

export function excepted(error: unknown): Excepted {
  return { label: 'excepted', error: legible(error) }
}

/**
 * The thrown value, or an error in its place if not even its message can be read: a getter
 * throws, or the value is a revoked proxy.
 */
function legible(error: unknown): unknown {
  if ((typeof error !== 'object' && typeof error !== 'function') || error === null) return error
  try {
    void [error instanceof Error, 'then' in error, Reflect.get(error, 'name'), Reflect.get(error, 'message')]
    return error
  } catch (cause) {
    const plain = new Error(`what was thrown can't be read: ${errorText(cause)}`)
    try {
      const name: unknown = Reflect.get(error, 'name')
      if (typeof name === 'string') plain.name = name
    } catch {
      // Its name can't be read either.
    }
    return plain
  }
}

export function killed(message: string | undefined): Killed {
  return { label: 'killed', message }
}

/** An exit code without its class, as it is saved. */
function plainExitCode({ code, label, message }: ExitCodeInfo): ExitCodeInfo {
  return { code, label: wellFormed(label), message: wellFormed(message) }
}

/** The step that is to run in this state, or after it. */
export function stepOf(state: StateData): string | null {
  if (state.label === 'created') return 'run'
  return state.label === 'running' || state.label === 'waiting' ? state.step : null
}

/** Where the process is, for people: its position in its outline, or its step. */
export function placeOf(state: StateData): string | null {
  const at = state.label === 'running' || state.label === 'waiting' ? state.at : undefined
  return at ?? stepOf(state)
}

/** How a process in this state ended; null if it did not. */
export function endingOf(state: StateData): TransitionEnding | null {
  switch (state.label) {
    case 'finished':
      return {
        successful: state.successful,
        exitCode: state.exitCode ?? null,
        message: state.message ?? state.exitCode?.message ?? null,
      }
    case 'excepted':
      return {
        successful: false,
        exitCode: null,
        message: errorText(state.error),
        ...(state.error instanceof UpstreamFailed && { reason: 'upstream' as const }),
      }
    case 'killed':
      return { successful: false, exitCode: null, message: state.message ?? null }
    default:
      return null
  }
}

/** The text of whatever was thrown. */
export function errorText(error: unknown): string {
  try {
    if (!(error instanceof Error)) return wellFormed(thrownText(error))
    // The code that throws may have set either to anything.
    const { message, name } = error as { readonly message: unknown; readonly name: unknown }
    return wellFormed(message === '' ? String(name) : String(message))
  } catch {
    return 'something that has no text was thrown'
  }
}

/**
 * Whether the record of the step is still needed in this state: the step is to run again, or may,
 * in a process that is restarted from this one.
 */
export function keepsRecord(to: StateData): boolean {
  switch (to.label) {
    case 'running':
      return to.number !== undefined
    case 'waiting':
      return to.retry !== undefined
    case 'finished':
      return !to.successful
    default:
      return to.label !== 'created'
  }
}
