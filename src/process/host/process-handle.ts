import type { ProcessError } from '../../shared/errors.ts'
import type { Duration } from '../../shared/duration.ts'
import type { RetryOptions } from '../../spec/retry-policy.ts'
import type { Definable, SpecOf } from '../../spec/process-spec.ts'
import type { OutputsOf, PartialOutputsOf, SignalArgs, SignalName } from '../../spec/typing.ts'
import type { ProcessState } from '../state/process-state.ts'

/** How long to wait. Without a `timeout` there is no limit; 0 is one look. Negative or NaN: `RangeError`. */
export interface WaitOptions {
  readonly timeout?: Duration | undefined
  /** Ends the wait, not the process, and rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

export interface ResultOptions extends WaitOptions {
  /**
   * Whether a failure rejects. With `false`, `result()` gives the error as the value, and `outputs.all()` what was emitted. Default `true`.
   */
  readonly raiseOnFailure?: boolean | undefined
}

/** What a handle tells of a process. */
export interface StateInfo {
  readonly label: ProcessState
  readonly terminal: boolean
  readonly successful: boolean
  readonly paused: boolean
  /** When the process came into this state. */
  readonly at: Date
  readonly message?: string
  readonly exitCode?: { readonly code: number; readonly label: string; readonly message: string }
  /** Why it does not move, where there is more to say than the label. */
  readonly reason?:
    | 'scheduled'
    | 'queued'
    | 'retry'
    | 'signal'
    | 'timer'
    | 'children'
    | 'killing'
    | 'crash'
    | 'parked'
    | 'lost'
}

/** How a process ended, as a value. */
export type Settled<R> =
  | { readonly status: 'fulfilled'; readonly value: R; readonly state: StateInfo }
  | { readonly status: 'rejected'; readonly reason: ProcessError; readonly state: StateInfo }

/** The outputs of a process of class `C`. */
export interface Outputs<C = unknown> {
  /**
   * All outputs, once the process has ended. Rejects as `result()` does, and with `ProcessUnsuccessful` where the process finished without
   * success.
   */
  all(options?: ResultOptions & { readonly raiseOnFailure?: true | undefined }): Promise<OutputsOf<C>>
  /** What the process emitted, once it has ended, however it ended. */
  all(options: ResultOptions & { readonly raiseOnFailure: false }): Promise<PartialOutputsOf<C>>
  /** The outputs committed so far; they grow while it runs. */
  snapshot(): Promise<PartialOutputsOf<C>>
}

/** A record of a process's history. */
export interface EventRecord {
  readonly seq: number
  readonly pid: string
  readonly worker?: string
  readonly side: 'caller' | 'process'
  readonly name: string
  readonly at: Date
  readonly data?: unknown
}

/**
 * A reference to one process, by its pid. It works in any program that opens the same store.
 * Handles are interned: one object per pid and client. A handle is not thenable.
 *
 * Where the store has no such process, every method that asks it rejects with `ProcessLost`. `outcome()` and `result({ raiseOnFailure: false })`
 * resolve to that error. An end that the handle has read stays known after the process was pruned.
 */
export interface ProcessHandle<R = unknown, C = unknown> {
  readonly pid: string
  /** The registered name of the class, where it is known here. */
  readonly name: string
  readonly outputs: Outputs<C>
  /** What is known locally; no I/O. */
  readonly state: StateInfo
  /** Whether the process has ended, as far as is known locally. */
  readonly done: boolean
  /** Reads the state. Rejects with `ProcessLost` where the store has no such process. */
  refresh(options?: WaitOptions): Promise<StateInfo>
  /**
   * Waits for the end: the state, or `null` at the time-out. However the process ends, that is no rejection. Rejects with `ProcessLost` where
   * there is no such process.
   */
  wait(options?: WaitOptions): Promise<StateInfo | null>
  /**
   * What the last step returned, or the outputs of a process that returns nothing; also of one that finished without success. It is typed by
   * `spec.returns`; for typed outputs use `outputs.all()`. Rejects with `ProcessExcepted`, `ProcessKilled`, `ProcessLost`, or `WaitTimeout` (the process goes on).
   */
  result(options?: ResultOptions & { readonly raiseOnFailure?: true }): Promise<R>
  result(options: ResultOptions & { readonly raiseOnFailure: false }): Promise<R | ProcessError>
  /** How it ended, as a value; rejects only with `WaitTimeout` or the abort's reason. */
  outcome(options?: WaitOptions): Promise<Settled<R>>
  /** @throws NotReady while it has not ended */
  successful(): boolean
  /** The error that it ended with, or null. @throws NotReady while it has not ended */
  exception(): ProcessError | null
  /** Calls back once, always after the current tick, also when it has ended already. Returns how to take it back. */
  onDone(callback: (handle: this) => void, options?: { readonly signal?: AbortSignal }): () => void
  /**
   * Pauses the process and all that it launched; with `tree: false`, the process alone. The pause is stored when the promise resolves (C7). False when the process has ended.
   */
  pause(message?: string, options?: TreeOptions): Promise<boolean>
  play(options?: TreeOptions): Promise<boolean>
  kill(message?: string, options?: TreeOptions & { readonly force?: boolean | undefined }): Promise<boolean>
  /** Ends a `Wait`, or is kept for the next one (C8). */
  resume(value?: unknown): Promise<boolean>
  /**
   * Sends a signal that its class declares. Stored when it resolves (C7), and kept until the process receives it (C8).
   *
   * @throws PortValidationError for a name that is not declared or a payload that does not fit, as far as the class is known here
   * @throws AlreadyDone when the process has ended
   */
  signal<const Name extends SignalName<C>>(name: Name, ...payload: SignalArgs<C, Name>): Promise<void>
  /**
   * One that backs off runs now; one that is paused, after its retries ran out or it crashed, plays with a fresh budget; one that ended
   * unsuccessfully is restarted, as a new process (`Client.restart` gives its handle). False where there is nothing to retry.
   */
  retry(): Promise<boolean>
  /** Why it is not moving, in plain words. */
  explain(): Promise<string>
  history(): Promise<readonly EventRecord[]>
  toJSON(): { readonly $process: string }
}

/** What `result()` gives: the type stated by `spec.returns`, else unknown. */
export type ResultOf<C> = SpecOf<C> extends { readonly '~returns': infer R } ? R : unknown

/** Whether a request reaches all that a process launched, and so on. Default true. What was abandoned is not reached. */
export interface TreeOptions {
  readonly tree?: boolean | undefined
}

export interface LaunchOptions {
  /** The pid; default a new UUIDv7. */
  readonly pid?: string | undefined
  /** The same key with the same class and inputs is the same process; else `KeyConflictError`. */
  readonly key?: string | undefined
  /** Free text shown in lists. */
  readonly label?: string | undefined
  /** Kills the process when it aborts. */
  readonly signal?: AbortSignal | undefined
  /** Its first step is not run before this time has passed. */
  readonly delay?: Duration | undefined
  /** When it is excepted with `DeadlineExceeded`, and its children killed, if it has not ended: a date, or a time from now. */
  readonly deadline?: Date | Duration | undefined
  /** In place of the retries that its class declares for all its steps; those of single steps stay. A number: that many attempts. */
  readonly retry?: number | RetryOptions | undefined
  /** Of a child: its parent's kills, pauses and plays do not reach it, and it may outlive it. Default false. */
  readonly abandon?: boolean | undefined
}

export type { Definable, OutputsOf, SpecOf }
