import type { Bundle } from '../../bundle/bundle.ts'
import type { Codec } from '../../bundle/codec.ts'
import type { Clock } from '../../shared/clock.ts'
import type {
  FailedAttempt,
  KeptSignal,
  StepWait,
  TransitionEnding,
  WaitConditions,
  WakeUp,
} from '../state/transition.ts'
import type { GroupSettings, InputsSource } from './group-options.ts'
import type { ProcessGroup } from './process-group.ts'
import type { LaunchOptions } from './launch-options.ts'
import type { Came, Transaction } from './transaction.ts'
import type { ProcessHandle, Settled } from './process-handle.ts'
import type { AnyProcessClass, Hosted } from './process-object.ts'
import type { HistoryEvent } from '../state/history-event.ts'
import type { ProcessState } from '../state/process-state.ts'

/**
 * What a process requests of the host that runs it: the engine, or memory.
 *
 * Arguments that cross this boundary are serialisable (a bundle, a transition, a request), so that
 * a process may one day run in another thread than its engine.
 */
export interface Host {
  /**
   * Whether the host stores processes. Then a value that can't be saved is refused where it is
   * given (C10).
   */
  readonly durable: boolean
  readonly codec: Codec
  /** The clock of timers and waits. */
  readonly clock: Clock
  /**
   * For a host that stores nothing: begins to run a process, new or made from its saved form. The
   * host ends the process's wait as after a commit, and excepts the process at its deadline, in
   * wall-clock milliseconds.
   */
  begin?(
    process: Hosted,
    now: { readonly wait: WaitConditions | null; readonly deadline: number | null },
  ): void
  /**
   * Makes a transition durable (C3). A host that stores nothing returns at once, without a promise.
   *
   * @throws SerializationError when a value can't be saved: nothing was written, and the process
   * excepts
   * @throws LeaseLost when another host has taken the process over (C4, C5): it stops, and nothing
   *   more is stored
   */
  commit(process: Hosted, transition: Transition): Promise<Committed> | Committed
  /**
   * Starts a child. Resolves once the child is durable (C2). `branch` is the branch of the step
   * that launches it.
   */
  launch(
    parent: Hosted,
    processClass: AnyProcessClass | string,
    inputs: Readonly<Record<string, unknown>> | undefined,
    options: LaunchOptions | undefined,
    branch: string,
  ): Promise<ProcessHandle>
  /**
   * Starts a child for each of the inputs. Resolves once all of them are durable.
   *
   * @throws GroupLaunchError for inputs that do not fit or can't be read
   */
  launchAll(
    parent: Hosted,
    processClass: AnyProcessClass | string,
    launch: GroupToLaunch,
    branch: string,
  ): Promise<ProcessGroup>
  /**
   * The children that the step launched in an earlier run and has not launched in this run, except
   * those that ended without success. Undefined if the step has not run before, and for a host that
   * never runs a step again.
   */
  missing?(process: Hosted): Promise<readonly MissingChild[]> | undefined
  /**
   * Stores a request (C7) and passes it on to the process. Returns false if the process has already
   * ended. A host that stores nothing answers at once, without a promise.
   */
  request(process: Hosted, request: ControlRequest): Promise<boolean> | boolean
  /**
   * Adds to the record of the running step (C6), and consumes a kept message in the same commit
   * (C8). Durable when the promise resolves.
   *
   * @throws LeaseLost when another host has taken the process over
   */
  record(process: Hosted, entry: RecordEntry): Promise<void> | void
  /**
   * Calls `act` within a transaction of the store, and records the entry made from its result in
   * the same transaction (C6). Resolves to what `act` returned or threw; if it threw, nothing is
   * stored. `act` may be called again, each time in a new transaction. Undefined for a host that
   * has no place for rows of the user.
   *
   * @throws LeaseLost when another host has taken the process over: nothing is stored
   */
  transaction?(
    process: Hosted,
    act: (tx: Transaction) => unknown,
    entryOf: (value: unknown) => RecordEntry,
  ): Promise<Came>
  /**
   * The running step has set the status. It is stored soon, without a promise. A host that stores
   * nothing does not need this.
   */
  status?(process: Hosted, status: string | undefined): void
  /**
   * The process has printed something, added an event or reported its progress. The host takes it by
   * `Hosted.takeReport` and keeps it. A host that keeps nothing does not need this.
   */
  reported?(process: Hosted): void
  /**
   * The oldest kept signal of that name, decoded; undefined if there is none. The host reports a
   * new signal by `Hosted.signalled`.
   */
  mail(process: Hosted, signal: string): Promise<KeptSignal | undefined> | KeptSignal | undefined
  /**
   * From now on the step only waits: its slot is free for others, and the process shows as waiting.
   * Returns a function to call when the step continues. Waits may overlap.
   */
  suspend(process: Hosted, wait: StepWait): () => void
  /**
   * Called before a step that only waited continues. Resolves once the process shows as running:
   * from then on a pause waits for the end of the step. Undefined if the process already shows as
   * running, or if the step still waits for something else and takes no named action now (`does` is
   * false). A host that stores nothing does not need this.
   *
   * @throws LeaseLost when another host has taken the process over
   */
  goOn?(process: Hosted, does: boolean): Promise<void> | undefined
  /**
   * As `suspend`, but the process leaves memory: what its step awaits never settles, and the step
   * runs again from its start.
   */
  evict(process: Hosted, wait: StepWait): void
  /**
   * How processes ended, in the order of their pids; undefined for a process that has not ended.
   * Does not wait for them. A process that no longer exists counts as failed with `ProcessLost`. The
   * value is the outputs for each process for which `outputs` is true; one that finished without
   * success then counts as failed.
   */
  outcomes(
    process: Hosted,
    pids: readonly string[],
    outputs?: readonly boolean[],
  ): Promise<readonly (Settled<unknown> | undefined)[]>
  /**
   * Keeps the process as it was saved last, with the record of its step, under a tag. Durable when
   * the promise resolves.
   */
  checkpoint(process: Hosted, tag: string): Promise<void>
}

/** A group that a step launches. */
export interface GroupToLaunch {
  /** The call, for messages. */
  readonly where: string
  readonly inputs: InputsSource<Readonly<Record<string, unknown>>>
  readonly settings: GroupSettings
  readonly options: LaunchOptions
}

/** A child that a step did not launch again. */
export interface MissingChild {
  readonly pid: string
  readonly className: string
}

/** A named action of a step, or a named wait that it began. */
export interface RecordEntry {
  /**
   * For example `effect:charge` or `sleep:cool down#2`. The part of the bundle has the same name
   * after `record:`.
   */
  readonly name: string
  /** JSON text; undefined if the entry only consumes a message or adds to the history. */
  readonly text: string | undefined
  readonly history: HistoryEvent | undefined
  /** The kept message that the entry consumes, by its `KeptSignal.id`. */
  readonly consumes?: number | undefined
}

/** One transition of one process, about to be made durable. */
export interface Transition {
  readonly from: ProcessState
  readonly to: ProcessState
  /** The step that runs in the new state, or after it; null if there is none. */
  readonly step: string | null
  /** Why the process waits, for people; null in any other state. */
  readonly message: string | null
  /** False if the process only pauses and stays in its state. */
  readonly moved: boolean
  /** Set when the process pauses with this transition. */
  readonly paused: { readonly message?: string | undefined } | null
  /** How the process ended; set with a terminal state. */
  readonly ending: TransitionEnding | null
  /** The wake-up that this transition consumes (C8). */
  readonly wake?: WakeUp | undefined
  /** What the process waits for; null in any other state. */
  readonly wait: WaitConditions | null
  /** The number of the attempt at the running or next step; 1 unless it is retried. */
  readonly attempt: number
  /** The failure that is retried. The history gets it in place of the entry of the state. */
  readonly failed: FailedAttempt | null
  /** The waits that the step left pending, for the history. */
  readonly dropped: readonly string[]
  /**
   * Whether the children are killed in the same commit: the process kills itself, or its deadline
   * has passed. A kill that was requested has reached the children already.
   */
  readonly killsChildren: boolean
  /** The saved form of the process after the transition. */
  bundle(): Bundle
}

/**
 * The answer to a transition: stored requests of which the process was not notified before.
 *
 * These requests do not go through `Hosted.pause` and `Hosted.kill`, as all others do. The pause
 * belongs to the state that this commit stores: the process must enter that state first, and its
 * hooks and events must follow in that order. A pause that arrived by `Hosted.pause` during the
 * commit would count as one of the state before.
 */
export interface Committed {
  /**
   * Nothing was committed: the process is paused in its wait, and may move once it is played; or a
   * kill is stored, so that it can only end as killed (C5).
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
