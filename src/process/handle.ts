import type { ProcessError } from '../shared/errors.ts'
import type { Duration } from '../shared/duration.ts'
import type { Definable, OutputsOf, SpecOf } from '../spec/typing.ts'
import type { Process } from './process.ts'
import type { ProcessState } from './state.ts'

/** How long to wait. Without a `timeout` there is no limit; 0 is one look. Negative or NaN: `RangeError`. */
export interface WaitOptions {
  readonly timeout?: Duration | undefined
  /** Ends the wait, not the process, and rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

export interface ResultOptions extends WaitOptions {
  /** `false` gives the error of a failed process as the value. Default `true`. */
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
  readonly reason?: 'queued' | 'signal' | 'killing' | 'crash' | 'parked' | 'lost'
}

/** How a process ended, as a value. */
export type Settled<R> =
  | { readonly status: 'fulfilled'; readonly value: R; readonly state: StateInfo }
  | { readonly status: 'rejected'; readonly reason: ProcessError; readonly state: StateInfo }

/** The outputs of a process of class `C`. */
export interface Outputs<C = unknown> {
  /** All outputs, once the process has ended. Rejects as `result()` does. */
  all(options?: ResultOptions & { readonly raiseOnFailure?: true }): Promise<OutputsOf<C>>
  all(options: ResultOptions & { readonly raiseOnFailure: false }): Promise<OutputsOf<C> | ProcessError>
  /** The outputs committed so far; they grow while it runs. */
  snapshot(): Promise<Partial<OutputsOf<C>>>
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
  /** Waits for the end: the state, or `null` at the time-out. Never fails because of the process. */
  wait(options?: WaitOptions): Promise<StateInfo | null>
  /**
   * What the last step returned, or the outputs of a process that returns nothing.
   * Rejects with `ProcessExcepted`, `ProcessKilled`, `ProcessLost`, or `WaitTimeout` (the process goes on).
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
  /** Stored when it resolves (C7); false when the process has ended. */
  pause(message?: string): Promise<boolean>
  play(): Promise<boolean>
  kill(message?: string, options?: { readonly force?: boolean }): Promise<boolean>
  /** Ends a `Wait`, or is kept for the next one (C8). */
  resume(value?: unknown): Promise<boolean>
  /** Why it is not moving, in plain words. */
  explain(): Promise<string>
  history(): Promise<readonly EventRecord[]>
  toJSON(): { readonly $process: string }
}

/** What `result()` gives: the type stated by `spec.returns`, else unknown. */
export type ResultOf<C> = SpecOf<C> extends { readonly '~returns': infer R } ? R : unknown

// Any process class: `never` admits every constructor, `any` every spec.
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyProcessClass = Definable & (abstract new (...args: never) => Process<any>)

export interface LaunchOptions {
  /** The pid; default a new UUIDv7. */
  readonly pid?: string | undefined
  /** The same key with the same class and inputs is the same process; else `KeyConflictError`. */
  readonly key?: string | undefined
  /** Free text shown in lists. */
  readonly label?: string | undefined
  /** Kills the process when it aborts. */
  readonly signal?: AbortSignal | undefined
}

export type { Definable, OutputsOf, SpecOf }
