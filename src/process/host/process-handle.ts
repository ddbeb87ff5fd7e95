/* This file is longer than 400 lines, because one interface declares all that a handle can do, with its comments. */
/// <reference lib="esnext.disposable" preserve="true" />
import type { AbortSignal } from '../../shared/abort-signal.ts'
import type { DisplayOptions } from './display-options.ts'
import type { FollowOptions } from './follow-options.ts'
import type { HistoryOptions } from './history-options.ts'
import type { ProcessError } from '../../shared/errors.ts'
import type { Duration } from '../../shared/duration.ts'
import type { SpecOf } from '../../spec/process-spec.ts'
import type {
  OutputName,
  OutputsOf,
  OutputValue,
  PartialOutputsOf,
  SignalArgs,
  SignalName,
} from '../../spec/typing.ts'
import type { ExitCodeInfo } from '../state/commands.ts'
import type { HistoryEvent } from '../state/history-event.ts'
import type { ProcessState } from '../state/process-state.ts'
import type { Progress, StoredLevel } from '../state/report.ts'

/**
 * The limits of a wait. Without a `timeout` there is no limit; with 0 the state is read once. A
 * negative number or NaN throws `RangeError`.
 */
export interface WaitOptions {
  readonly timeout?: Duration | undefined
  /** Ends the wait, not the process. The wait then rejects with the reason of the signal. */
  readonly signal?: AbortSignal | undefined
}

export interface ResultOptions extends WaitOptions {
  /**
   * Whether a failure rejects. With `false`, `result()` resolves to the error, and `outputs.all()`
   * to what was emitted. Default `true`.
   */
  readonly raiseOnFailure?: boolean | undefined
}

/** What a handle knows of the state of its process. */
export interface StateInfo {
  readonly label: ProcessState
  readonly terminal: boolean
  readonly successful: boolean
  readonly paused: boolean
  /** When the process entered this state. */
  readonly at: Date
  readonly message?: string
  readonly exitCode?: ExitCodeInfo
  /** What the process last reported with `this.progress`. */
  readonly progress?: Progress
  /** Why the process does not continue, if the label does not show that. */
  readonly reason?:
    | 'scheduled'
    | 'queued'
    /** An engine has claimed the process, and its first step is about to begin. */
    | 'dispatched'
    | 'retry'
    | 'signal'
    | 'timer'
    | 'children'
    /** The process waits for values of other processes, or to start after them. */
    | 'inputs'
    /** It was excepted because of another process that failed. */
    | 'upstream'
    /** Its inputs did not fit when it was to start, so none of its code has run. */
    | 'rejected'
    | 'killing'
    | 'crash'
    | 'parked'
    | 'lost'
}

/** An entry in the log of a process. */
export interface LogChunk {
  readonly pid: string
  /** The number of the entry in the log of its process, from 1. */
  readonly n: number
  readonly stream: 'stdout' | 'stderr'
  /** The printed text with its line break. */
  readonly text: string
  /** When it was printed, by the clock of its engine. */
  readonly at: Date
  /**
   * The attempt of the step that printed it. A step that runs again prints again: after a failure
   * with the next number, after a crash with the same one.
   */
  readonly attempt: number
  /** Set if `this.logger` has written the text. */
  readonly level?: StoredLevel | undefined
}

/** When things happened to a process. Null for what has not happened, or is not known here yet. */
export interface Timing {
  /** When the process was launched. */
  readonly submitted: Date | null
  /** When its first step began. Known once `metadata()` was read. */
  readonly started: Date | null
  /** When it ended. */
  readonly completed: Date | null
  /** When this program learned of the end. */
  readonly received: Date | null
}

/** Data about a process, as `handle.metadata()` reads it. */
export interface Metadata extends Timing {
  readonly pid: string
  /** The registered name of the class. */
  readonly name: string
  /** The class with the inputs, as `handle.call` has them. */
  readonly call: string
  readonly label: string | null
  /** The engine that runs the process, or ran it last. Null in memory, and before the first run. */
  readonly worker: string | null
  /** The number of the attempt at its step; 1 unless the step was retried. */
  readonly attempt: number
  readonly state: StateInfo
  /** The error that it ended with. */
  readonly error: ProcessError | null
  /** What its steps have printed so far to stdout, and what they have logged or printed to stderr. */
  readonly stdout: string
  readonly stderr: string
  /** The outputs so far. */
  readonly published: Readonly<Record<string, unknown>>
  /** The pids of the processes that it was launched `after`. */
  readonly after: readonly string[]
}

/**
 * Options of `size`. The limits apply to the read and, for an output, to the wait for the end of
 * the process.
 */
export interface SizeOptions extends WaitOptions {
  /** Whether an outcome that this program has already read counts as 0 bytes. Default false. */
  readonly remoteOnly?: boolean | undefined
}

/** How a process ended, as a value. */
export type Settled<R> =
  | { readonly status: 'fulfilled'; readonly value: R; readonly state: StateInfo }
  | { readonly status: 'rejected'; readonly reason: ProcessError; readonly state: StateInfo }

/**
 * A reference to the result of a process, or to one of its outputs. It reads nothing, has a form in
 * JSON, and is not thenable. A handle is one.
 */
export interface Ref<T = unknown> {
  readonly pid: string
  /** Type only: the type of the value. */
  readonly '~value': T
  /** The reference for JSON: the pid, and the name of the output if it refers to one. */
  toJSON(): { readonly $process: string; readonly output?: string | number }
}

/** A reference to an output of a process, as `handle.outputs.ref(key)` gives it. */
export interface OutputRef<T = unknown> extends Ref<T> {
  /**
   * The dotted name of an output or, if the process has no such output, a path into its result.
   */
  readonly key: string | number
  readonly handle: ProcessHandle
  /**
   * Waits for the process, and resolves to the value. Rejects as `handle.result()` does, and with
   * `MissingResult` if there is no value under the key.
   */
  result(options?: ResultOptions & { readonly raiseOnFailure?: true | undefined }): Promise<T>
  /** As above, but resolves to the error where the above rejects. */
  result(options: ResultOptions): Promise<unknown>
  /**
   * Waits for the process, and resolves to how many bytes the store holds of the value; 0 for a process
   * in memory. Rejects as `result()` does.
   */
  size(options?: SizeOptions): Promise<number>
}

/** A reference to the successful end of a process, without a value: `handle.outputs.done`. */
export interface DoneRef {
  readonly pid: string
  /** Type only. */
  readonly '~done': true
  /** The reference for JSON. */
  toJSON(): { readonly $process: string; readonly done: true }
  /**
   * Resolves to true once the process has ended successfully. Rejects as `handle.result()` does,
   * and with `ProcessUnsuccessful` where the process finished without success.
   */
  result(options?: WaitOptions): Promise<true>
  /** 0, since no value is stored for it. */
  size(): Promise<0>
}

/** The outputs of a process of class `C`. */
export interface Outputs<C = unknown> {
  /**
   * Resolves to all outputs once the process has ended. Rejects as `result()` does, and with
   * `ProcessUnsuccessful` if the process finished without success.
   */
  all(options?: ResultOptions & { readonly raiseOnFailure?: true | undefined }): Promise<OutputsOf<C>>
  /** Resolves to what the process emitted, once it has ended, however it ended. */
  all(options: ResultOptions & { readonly raiseOnFailure: false }): Promise<PartialOutputsOf<C>>
  /** The outputs committed so far. More may follow while the process runs. */
  snapshot(): Promise<PartialOutputsOf<C>>
  /**
   * A reference to the output of this name, to stand for its value in the inputs of a launch. If
   * the process has no such output, the reference points into its result, by a key or an index:
   * `ref('best.energy')`, `ref(0)`. `ref(0)` of a result that is not a list is the result itself. A
   * key that does not exist fails when the value is read.
   */
  ref<const Name extends OutputName<C> | number>(key: Name): OutputRef<OutputOf<C, Name>>
  /** A reference to the successful end of the process. It carries no value. */
  readonly done: DoneRef
}
type OutputOf<C, Name> = Name extends string ? OutputValue<C, Name> : unknown

/** The process, the author and the time of an event in a history. */
export interface EventSource {
  /** The number of the event in the history of its process, from 1. */
  readonly n: number
  readonly seq: number
  readonly pid: string
  /** The engine or client that wrote the event. */
  readonly worker?: string
  /** `caller` for a request, such as a kill; `process` for everything that the process or its engine did. */
  readonly side: 'caller' | 'process'
  readonly at: Date
}

/**
 * A record of a process's history. `name` determines the type of `data`. A newer release may have
 * written events that are not in the type, so a `switch` over the names needs a default.
 */
export type EventRecord = EventSource & HistoryEvent

/**
 * A reference to one process, by its pid. It works in any program that opens the same store.
 * Handles are interned: one object per pid and client. A handle is not thenable.
 *
 * If the store has no such process, every method that uses the store rejects with `ProcessLost`.
 * `outcome()` and `result({ raiseOnFailure: false })` resolve to that error. An end that the handle
 * has read stays known after the process was pruned.
 */
export interface ProcessHandle<R = unknown, C = unknown> extends Ref<R> {
  readonly pid: string
  /** The registered name of the class, if it is known locally. */
  readonly name: string
  /**
   * The class with the inputs, as `callRepr` shows a call: `Add(a=1, b=2)`. The inputs are known
   * after the launch, and after `inputs()` or `metadata()`; before that, they are shown as `...`.
   */
  readonly call: string
  readonly outputs: Outputs<C>
  /** The state as known locally, without I/O. */
  readonly state: StateInfo
  /** Whether the process has ended, as far as is known locally. */
  readonly done: boolean
  /**
   * Resolves once the process is stored. A process that `launch` has returned is stored already.
   *
   * @throws ProcessLost if the store has no such process
   * @throws WaitTimeout
   */
  submitted(options?: WaitOptions): Promise<void>
  /**
   * Whether the process has ended. Reads the state from the store, unless the end is known.
   *
   * @throws ProcessLost, WaitTimeout
   */
  isReady(options?: WaitOptions): Promise<boolean>
  /**
   * Reads the state from the store. Rejects with `ProcessLost` if the store has no such process.
   */
  refresh(options?: WaitOptions): Promise<StateInfo>
  /**
   * Waits for the end. Resolves to the state, however the process ended, or to `null` at the
   * timeout. Rejects with `ProcessLost` if there is no such process.
   */
  wait(options?: WaitOptions): Promise<StateInfo | null>
  /**
   * Resolves to what the last step returned, or to the outputs if that step returned nothing; also
   * for a process that finished without success. Typed by `spec.returns`; for typed outputs use
   * `outputs.all()`. Rejects with `ProcessExcepted`, `ProcessKilled`, `ProcessLost`, `MissingResult`
   * (the result was dropped), or `WaitTimeout` (the process continues).
   */
  result(options?: ResultOptions & { readonly raiseOnFailure?: true }): Promise<R>
  /** As above, but resolves to the error if the above rejects. */
  result(options: ResultOptions & { readonly raiseOnFailure: false }): Promise<R | ProcessError>
  /**
   * Resolves to how the process ended. Rejects only with `WaitTimeout` or the reason of the abort.
   */
  outcome(options?: WaitOptions): Promise<Settled<R>>
  /** @throws NotReady while it has not ended */
  successful(): boolean
  /** The error that it ended with, or null. @throws NotReady while it has not ended */
  exception(): ProcessError | null
  /**
   * Calls back once when the process ends, always after the current tick, even if the process has
   * already ended. Returns a function that removes the callback.
   */
  onDone(callback: (handle: this) => void, options?: { readonly signal?: AbortSignal }): () => void
  /**
   * Pauses the process and all that it launched; with `tree: false`, the process alone. The pause
   * is stored when the promise resolves. False when the process has ended.
   */
  // C7 holds for all requests of a handle.
  pause(message?: string, options?: TreeOptions): Promise<boolean>
  /**
   * Lets a paused process continue. Stored when it resolves; false when the process has
   * ended.
   */
  play(options?: TreeOptions): Promise<boolean>
  /**
   * Kills the process and all that it launched. Stored when it resolves; false when the
   * process has ended.
   */
  kill(message?: string, options?: TreeOptions & { readonly force?: boolean | undefined }): Promise<boolean>
  /**
   * Kills the process if its first step has not begun. Resolves to false, and does nothing, if the
   * step has begun. The answer is right whatever engines do at the same time. The reason becomes
   * the message of the end.
   *
   * @throws AlreadyDone when the process has ended
   */
  abort(reason?: string): Promise<boolean>
  /** Ends a `Wait`. If the process does not wait, the value is kept for its next `Wait`. */
  resume(value?: unknown): Promise<boolean>
  /**
   * Sends a signal that the class of the process declares. The signal is stored when the promise
   * resolves, and kept until the process receives it.
   *
   * @throws PortValidationError for a name that is not declared or a payload that does not fit, as
   * far as the class is known here
   * @throws AlreadyDone when the process has ended
   */
  signal<const Name extends SignalName<C>>(name: Name, ...payload: SignalArgs<C, Name>): Promise<void>
  /**
   * Retries the process. A process that backs off runs its step now. A process that is paused
   * because its attempts are used up, or because it crashed, is played with a new budget of
   * attempts. A process that ended unsuccessfully is restarted as a new process; use
   * `Client.restart` to get its handle. False if there is nothing to retry.
   */
  retry(): Promise<boolean>
  /** Explains in plain words why the process does not continue. */
  explain(): Promise<string>
  /**
   * What happened to the process, oldest first. A long history is read a page at a time:
   * `history({ after: events.at(-1)?.n, limit: 500 })`.
   *
   * @throws TypeError or RangeError for wrong options
   */
  history(options?: HistoryOptions): Promise<readonly EventRecord[]>
  /**
   * The log of the process, oldest entry first: what its steps have written by `this.print` and
   * `this.logger`. With `follow` the loop continues with each new entry until the process has
   * ended, even if another program runs the process. Entries arrive when they are stored: with the
   * next commit of the process, and within a second at the latest.
   *
   * @throws TypeError for wrong options
   */
  logs(options?: FollowOptions): AsyncIterable<LogChunk>
  /**
   * The history of the process with the events that its code added, oldest first. Their times never
   * decrease. With `follow` the loop continues with each new event until the process has ended.
   *
   * @throws TypeError for wrong options
   */
  events(options?: FollowOptions): AsyncIterable<EventRecord>
  /**
   * Adds an event of your own to the history of the process, also after its end. The event is stored
   * when the promise resolves. `events()` gives it as `{ name: 'event', data: { name, at, data } }`.
   * Once the process has a million characters of output and events, the event is dropped.
   *
   * @throws TypeError for a name that is not text or is empty
   * @throws SerializationError for data that can't be saved or has more than 64,000 characters
   */
  addEvent(name: string, data?: unknown): Promise<void>
  /**
   * Waits until the process has ended, since all of its output is stored then. Resolves to false at
   * the timeout.
   */
  outputComplete(options?: WaitOptions): Promise<boolean>
  /** The times that are known locally. `metadata()` reads them. */
  readonly timing: Timing
  /** Reads the metadata of the process. @throws ProcessLost */
  metadata(): Promise<Metadata>
  /** Milliseconds from the launch to the end, or until now. @throws NotReady before `metadata()` if this client has not read the process */
  elapsed(): number
  /** Milliseconds from the launch to the end. @throws NotReady as `elapsed`, and before the end */
  wallTime(): number
  /** Milliseconds from the first step to the end. @throws NotReady before the end, and before `metadata()` */
  serialTime(): number
  /**
   * The stored inputs, with the defaults. Until the process has started, they have references in
   * place of the values of other processes.
   *
   * @throws ProcessLost
   */
  inputs(): Promise<unknown>
  /** The pids of the processes that the inputs refer to, also after the process has started. @throws ProcessLost */
  references(): Promise<readonly string[]>
  /**
   * How many bytes the store holds of the result and the outputs so far; 0 if they were dropped, and for
   * a process in memory.
   *
   * @throws ProcessLost, WaitTimeout
   */
  size(options?: SizeOptions): Promise<number>
  /**
   * Whether nothing keeps the result: the process has ended, no session retains it, and no process that
   * has not ended may still take its value. As of the last `refresh()`, `release()` or `purge()` after
   * the end; false before that.
   */
  readonly collectable: boolean
  /**
   * Keeps the result and the outputs in the store, whatever the `retention` of the process, until
   * `release()` or the end of this client's session: its `close()`, or the death of its program.
   * Each `retain` needs a `release` of its own. It does not prevent a purge. The store is updated
   * soon after the call, and for certain once a later `refresh()` of this handle resolves.
   *
   * @throws ClosedError if the client is closed
   */
  retain(): void
  /**
   * Undoes one `retain()` of this client, or that of a launch with `retention: 'refs'`. If nothing
   * else keeps the result, it is dropped now. Does nothing if the client does not retain the
   * process.
   */
  release(): Promise<void>
  /**
   * Drops the result and the outputs from the store, under every retention and even if sessions
   * retain them. The record, state, history, exit code and error stay. If an unfinished process may
   * still take the value, it is dropped afterwards.
   *
   * @throws NotReady if the process has not ended
   * @throws ProcessLost
   */
  purge(): Promise<void>
  /** Calls `release()`: `await using handle = …` releases the result where the block ends. */
  [Symbol.asyncDispose](): Promise<void>
  /**
   * Writes a file from which `client.openHandle(path)` makes a handle in another program. The file
   * has the pid and the id of the store; the result stays in the store. Creates missing folders,
   * and replaces an existing file atomically. Resolves to the absolute path. Default: a new file
   * `future-….json` in the working folder.
   *
   * @throws PersistenceError if the file can't be written
   * @throws InvalidStateError for a process in memory
   */
  save(path?: string): Promise<string>
  /**
   * Writes what the process printed to the standard output and standard error of this program, or
   * to other streams, followed by its error if it failed. With `follow`, continues until the
   * process has ended.
   *
   * @throws TypeError for wrong options
   */
  display(options?: DisplayOptions): Promise<void>
  /** A reference to the process, for JSON. */
  toJSON(): { readonly $process: string }
}

/** The handle of a launched process, by its class or the name of the class. */
export type Launched<C> = C extends string ? ProcessHandle : ProcessHandle<ResultOf<C>, C>

/** The type of a result in a group, by the class of its processes or the name of the class. */
export type MemberResult<C> = C extends string ? unknown : ResultOf<C>

/** The type of `result()`: the type stated by `spec.returns`, else unknown. */
export type ResultOf<C> = SpecOf<C> extends { readonly '~returns': infer R } ? R : unknown

/**
 * Whether a request reaches all descendants of the process, except abandoned children and their
 * subtrees. Default true.
 */
export interface TreeOptions {
  readonly tree?: boolean | undefined
}
