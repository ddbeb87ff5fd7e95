import type { Bundle } from '../bundle/bundle.ts'
import type { Codec } from '../bundle/codec.ts'
import type { AnyProcessClass, LaunchOptions, ProcessHandle } from './handle.ts'
import type { Process } from './process.ts'
import type { ProcessState } from './state.ts'

/**
 * What a process asks of whoever runs it: the engine, or memory.
 *
 * What crosses this line is serialisable (a bundle, a transition, a request), so that a process may one
 * day run in another thread than its engine.
 */
export interface Host {
  /** Whether what the process yields is saved; then what can't be saved is refused where it is given (C10). */
  readonly durable: boolean
  readonly codec: Codec
  /**
   * Makes a transition durable (C3). A host that keeps nothing returns at once, without a promise.
   *
   * @throws SerializationError when something can't be saved: nothing was written, and the process excepts.
   * @throws LeaseLost when the process is not this host's any more (C4, C5): it stops without a trace.
   */
  commit(process: Process, transition: Transition): Promise<Committed> | Committed
  /** Starts a child. Resolves once it is durable (C2). */
  launch(
    parent: Process,
    processClass: AnyProcessClass | string,
    inputs: Readonly<Record<string, unknown>> | undefined,
    options: LaunchOptions | undefined,
  ): Promise<ProcessHandle>
  /**
   * Stores a request (C7) and passes it on to the process; false when the process has ended already. A host that keeps
   * nothing answers at once, without a promise.
   */
  request(process: Process, request: ControlRequest): Promise<boolean> | boolean
}

/** One transition of one process, about to be made durable. */
export interface Transition {
  readonly from: ProcessState
  readonly to: ProcessState
  /** The step that is to run in the new state, or after it; null where there is none. */
  readonly step: string | null
  /** Why it waits, for people; null in any other state. */
  readonly message: string | null
  /** False where the process only pauses, and stays in the state that it is in. */
  readonly moved: boolean
  /** Set when the process pauses with this transition. */
  readonly paused: { readonly message?: string | undefined } | null
  /** How it ended; set with a terminal state. */
  readonly ending: TransitionEnding | null
  /** What woke the process and is used up by this transition (C8). */
  readonly wake?: Wake | undefined
  /** The saved form of the process after the transition. */
  bundle(): Bundle
}

/** How a process ended, in words and numbers; what it ended with is in the bundle. */
export interface TransitionEnding {
  readonly successful: boolean
  readonly exitCode: { readonly code: number; readonly label: string; readonly message: string } | null
  /** The kill's or the error's message, or what is missing of an unsuccessful one. */
  readonly message: string | null
}

/** What the rows said when the transition was committed: requests that the process had not heard of yet. */
export interface Committed {
  /** A pause was stored: the row is paused now. */
  readonly pause?: { readonly message?: string | undefined } | undefined
  readonly kill?: { readonly message?: string | undefined } | undefined
}

/** What ended a wait; handed to the next step behind the value. */
export interface Wake {
  readonly by: 'resume'
  /** The stored message that is consumed, where there is one. */
  readonly id?: number | undefined
}

export type ControlRequest =
  | { readonly kind: 'pause'; readonly message?: string | undefined }
  | { readonly kind: 'play' }
  | { readonly kind: 'kill'; readonly message?: string | undefined; readonly force?: boolean | undefined }
  | { readonly kind: 'resume'; readonly value: unknown }

/**
 * The host's hold on a process: what it may do beyond the public members.
 * `hosted(process)` in `process.ts` gives it.
 */
export interface Hosted {
  /** The bundle of the process as it is now. */
  bundle(): Bundle
  /**
   * Steps until there is nothing to do, or `goOn` says no, which it is asked between transitions. Rejects as `step()` does.
   */
  run(goOn: () => boolean): Promise<void>
  /** Whether there is nothing to do for `step()`: it has ended, is paused, or waits and nothing has woken it. */
  readonly idle: boolean
  /** Tells the process of a stored request. A pause takes effect at the next step boundary; play calls it off. */
  pause(message?: string): void
  play(): void
  /** Aborts `process.signal`; the step's command is dropped and the process goes to `killed`. `force` does not wait for the step. */
  kill(message?: string, options?: { readonly force?: boolean | undefined }): void
  /** Wakes a waiting process; the next `step()` goes on with this value. */
  wake(value: unknown, wake: Wake): void
  /** Fires what a play fires, on a process that was played while nobody ran it. */
  played(): void
  /**
   * Aborts `process.signal` with this reason (LeaseLost, shutdown). Nothing of the process is committed after, and a
   * `step()` under way rejects with the reason at once, also when its step hangs.
   */
  detach(reason: Error): void
}
