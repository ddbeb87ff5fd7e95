import type { Bundle } from '../../bundle/bundle.ts'
import type { Codec } from '../../bundle/codec.ts'
import type { Clock } from '../../shared/clock.ts'
import type {
  FailedAttempt,
  KeptSignal,
  StepWait,
  TransitionEnding,
  WaitConditions,
  Wake,
} from '../state/transition.ts'
import type { LaunchOptions, ProcessHandle, Settled } from './process-handle.ts'
import type { AnyProcessClass, Hosted } from './process-object.ts'
import type { HistoryEvent } from '../state/history-event.ts'
import type { ProcessState } from '../state/process-state.ts'

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
  /** What timers and waits go by. */
  readonly clock: Clock
  /**
   * For a host that keeps nothing: a process begins to be run here, new or made of its saved form. What it waits for is to end its wait
   * as after a commit, and its deadline, in wall-clock milliseconds, to end it.
   */
  begin?(
    process: Hosted,
    now: { readonly wait: WaitConditions | null; readonly deadline: number | null },
  ): void
  /**
   * Makes a transition durable (C3). A host that keeps nothing returns at once, without a promise.
   *
   * @throws SerializationError when something can't be saved: nothing was written, and the process excepts.
   * @throws LeaseLost when the process is not this host's any more (C4, C5): it stops without a trace.
   */
  commit(process: Hosted, transition: Transition): Promise<Committed> | Committed
  /** Starts a child. Resolves once it is durable (C2). `branch` is that of the step which launches it. */
  launch(
    parent: Hosted,
    processClass: AnyProcessClass | string,
    inputs: Readonly<Record<string, unknown>> | undefined,
    options: LaunchOptions | undefined,
    branch: string,
  ): Promise<ProcessHandle>
  /**
   * The children that the step launched when it ran before, and has not launched in this run, without those that ended without success.
   * Without a promise where it has not run before. A host that begins no step again has none.
   */
  missing?(process: Hosted): Promise<readonly MissingChild[]> | undefined
  /**
   * Stores a request (C7) and passes it on to the process; false when the process has ended already. A host that keeps
   * nothing answers at once, without a promise.
   */
  request(process: Hosted, request: ControlRequest): Promise<boolean> | boolean
  /**
   * Adds to the record of the step that runs (C6), and uses up a kept message with it (C8). Durable when it resolves.
   *
   * @throws LeaseLost when the process is not this host's any more
   */
  record(process: Hosted, entry: RecordEntry): Promise<void> | void
  /** The oldest kept signal of that name, decoded; undefined where there is none. `Hosted.signalled` tells of a new one. */
  mail(process: Hosted, signal: string): Promise<KeptSignal | undefined> | KeptSignal | undefined
  /**
   * The step only waits from now on: its slot is free for others, and the process shows as waiting. Returns what is to be called when it
   * goes on. Waits may overlap.
   */
  suspend(process: Hosted, wait: StepWait): () => void
  /**
   * Before a step goes on that only waited: resolves once the process shows as running, so that a pause from then on is one of a step that
   * computes. Undefined where it shows so already, or the step waits for something else yet and `does` nothing by name now. A host that keeps
   * nothing has no need of it.
   *
   * @throws LeaseLost when the process is not this host's any more
   */
  goOn?(process: Hosted, does: boolean): Promise<void> | undefined
  /** As `suspend`, and the process leaves memory: what its step awaits never settles; it runs again from its start. */
  evict(process: Hosted, wait: StepWait): void
  /**
   * How processes ended that a wait was for, in the order of their pids: looked at, not waited for; undefined for one that has not ended. One
   * that is gone counts as failed with `ProcessLost`.
   */
  outcomes(process: Hosted, pids: readonly string[]): Promise<readonly (Settled<unknown> | undefined)[]>
  /** Keeps the process as it was saved last, with the record of its step, under a tag. Durable when it resolves. */
  checkpoint(process: Hosted, tag: string): Promise<void>
}

/** A child that a step has not launched again. */
export interface MissingChild {
  readonly pid: string
  readonly className: string
}

/** What a step did by name, or began to wait for by name. */
export interface RecordEntry {
  /** `effect:charge`, `sleep:cool down#2`; the part of the bundle is `record:` and this. */
  readonly name: string
  /** JSON text; undefined where only a message is used up or history made. */
  readonly text: string | undefined
  readonly history: HistoryEvent | undefined
  /** The kept message that is used up, by its `KeptSignal.id`. */
  readonly consumes?: number | undefined
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
  /** What it waits for; null in any other state. */
  readonly wait: WaitConditions | null
  /** How often the step that runs, or is to run, has been begun; 1 unless it is retried. */
  readonly attempt: number
  /** The failure that is to be retried: for the history, in place of the entry of the state. */
  readonly failed: FailedAttempt | null
  /** What the step has left pending: waits that are dropped, for the history. */
  readonly dropped: readonly string[]
  /** Whether its children are killed in the same commit: it kills itself, or its deadline has passed. A kill that was asked for has reached them. */
  readonly killsChildren: boolean
  /** The saved form of the process after the transition. */
  bundle(): Bundle
}

/** What the rows said when the transition was to be committed: requests that the process had not heard of yet. */
export interface Committed {
  /**
   * Nothing was committed: the process is paused where it waits, and may move once it is played; or a kill is stored, and it can end as killed
   * alone (C5).
   */
  readonly held?: boolean
  /** A pause was stored: the row is paused now. */
  readonly pause?: { readonly message?: string | undefined } | undefined
  readonly kill?: { readonly message?: string | undefined } | undefined
}

export type ControlRequest =
  | { readonly kind: 'pause'; readonly message?: string | undefined }
  | { readonly kind: 'play' }
  | { readonly kind: 'kill'; readonly message?: string | undefined; readonly force?: boolean | undefined }
  | { readonly kind: 'resume'; readonly value: unknown }
  | { readonly kind: 'signal'; readonly name: string; readonly value: unknown }
