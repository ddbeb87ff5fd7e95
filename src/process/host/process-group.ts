import type { Duration } from '../../shared/duration.ts'
import type { ProcessError } from '../../shared/errors.ts'
import type { ProcessState } from '../state/process-state.ts'
import type { DisplayOptions, TextSink } from './display-options.ts'
import type { FollowOptions } from './follow-options.ts'
import type { GroupRecord } from './reference-record.ts'
import type {
  LogChunk,
  Metadata,
  ProcessHandle,
  ResultOptions,
  Settled,
  StateInfo,
  TreeOptions,
  WaitOptions,
} from './process-handle.ts'

/** Options of `client.group`. */
export interface GroupOptions {
  /** The name of the group. Default: a new one. */
  readonly name?: string | undefined
  /**
   * Whether `values()` and `for await` give the results in the order of the group rather than as the
   * processes end. Default true.
   */
  readonly ordered?: boolean | undefined
}

/**
 * When a wait for a group is over: when all processes have ended; when one has; when one has
 * excepted, was killed or is lost, or all have ended; or when this many have ended.
 */
export type ReturnWhen = 'all' | 'first-completed' | 'first-failure' | number

export interface GroupWaitOptions extends WaitOptions {
  /** Default `'all'`. */
  readonly returnWhen?: ReturnWhen | undefined
}

export interface InteractiveOptions extends GroupWaitOptions {
  /**
   * The time between two redraws on a terminal, or between two lines elsewhere. Default 250 ms and
   * 1 s.
   */
  readonly interval?: Duration | undefined
  /** Called at the start, after each interval and at the end; `elapsed` is in milliseconds. */
  readonly onProgress?: ((progress: GroupProgress, elapsed: number) => void) | undefined
  /** Default: the standard error of the program. */
  readonly out?: TextSink | undefined
}

export interface GroupResultOptions extends ResultOptions {
  /**
   * `'first-failure'` rejects as soon as one process has failed. `'all'` waits for all, and rejects
   * with one `GroupError` if any has failed. Default `'first-failure'`.
   */
  readonly returnWhen?: 'all' | 'first-failure' | undefined
}

export interface ValuesOptions extends ResultOptions {
  /** Whether the values come in the order of the group. Default: `ordered` of the group. */
  readonly ordered?: boolean | undefined
  /**
   * Whether the result of a process is purged (`handle.purge`) once the loop asks for the next one.
   * If you leave the loop, the last result is kept. Default false.
   */
  readonly release?: boolean | undefined
}

/**
 * How many processes of a group have ended, as far as is known locally. For a group that was
 * launched in chunks, how many items.
 */
export interface GroupProgress {
  readonly completed: number
  readonly total: number
  /** From 0 to 1. An empty group is at 1. */
  readonly fraction: number
  /** How many are in each state. Lost processes are not counted in any. */
  readonly byState: Readonly<Record<ProcessState, number>>
  /** How many are not in the store, for example because they were pruned. They count as completed. */
  readonly lost: number
}

/**
 * The pids of the processes that an abort ended, of those that had begun, and of those that had
 * already ended.
 */
export interface AbortedPids {
  readonly aborted: readonly string[]
  readonly running: readonly string[]
  readonly done: readonly string[]
}

/** One date, or several of which one is chosen. */
export type Times = Date | readonly Date[]

/** Options of `timedelta`. */
export interface TimedeltaOptions {
  /** Chooses the start. Default: the first date. */
  readonly startKey?: ((dates: readonly Date[]) => Date) | undefined
  /** Chooses the end. Default: the last date. */
  readonly endKey?: ((dates: readonly Date[]) => Date) | undefined
}

/**
 * An ordered list of processes, which may contain a process more than once. A group holds pids, and
 * makes handles when they are needed. A group is not thenable.
 *
 * Of a group that was launched in chunks (`chunkSize`), `pids`, `handles`, `statuses`, `metadata()`
 * and `asCompleted()` are about the processes, each of which runs several items. `length`, `at`,
 * `slice`, `progress`, and everything that gives results are about the items. A chunk that fails
 * gives one error.
 *
 * If the store has no process with one of the pids, that process counts as failed with
 * `ProcessLost`, and as ended in `progress`. The other processes are not affected.
 */
export interface ProcessGroup<R = unknown> extends AsyncIterable<R> {
  readonly name: string
  /** Whether `values()` and `for await` follow the order of the group by default. */
  readonly ordered: boolean
  /** The pids, in the order of the group. */
  readonly pids: readonly string[]
  /** The number of positions: of pids or, if the processes are chunks, of items. */
  readonly length: number
  /** The handles, in the order of the group. */
  readonly handles: readonly ProcessHandle<R>[]
  /**
   * Returns the handle at a position. A negative position counts from the end. For the position of
   * an item, returns the handle of its chunk.
   */
  at(index: number): ProcessHandle<R> | undefined
  /**
   * Returns the group of the positions from `start` up to `end`, as `Array.slice` does.
   *
   * @throws RangeError for a part of a chunk
   */
  slice(start?: number, end?: number): ProcessGroup<R>
  /** Returns one group for each process. A group that was launched in chunks gives its chunks. */
  split(): readonly ProcessGroup<R>[]
  /** The handles, in the order of the group. */
  [Symbol.iterator](): Iterator<ProcessHandle<R>>
  /** As `values()`. */
  [Symbol.asyncIterator](): AsyncIterator<R>

  // ---------- waiting ----------

  /**
   * Waits until enough processes have ended, or until the timeout. A failed process does not
   * reject the wait. Resolves to the handles of the ended and of the other processes, each once, in
   * the order of the group.
   *
   * @throws RangeError for a number of processes that the group does not have
   */
  wait(
    options?: GroupWaitOptions,
  ): Promise<{ readonly done: ProcessHandle<R>[]; readonly pending: ProcessHandle<R>[] }>
  /**
   * Resolves to the results of all processes, in the order of the group, each as `handle.result()`
   * gives it. Rejects with the error of the process that failed first; the others continue. With
   * `returnWhen: 'all'`, waits for all, and rejects with one `GroupError` if any failed.
   *
   * @throws WaitTimeout, whose message gives the number of unfinished processes: "2 (of 6)"
   */
  result(options?: GroupResultOptions & { readonly raiseOnFailure?: true | undefined }): Promise<R[]>
  /** Waits for all processes. If a process failed, its error takes the place of its result. */
  result(options: GroupResultOptions & { readonly raiseOnFailure: false }): Promise<(R | ProcessError)[]>
  /** Waits for all processes. Resolves to how each of them ended. @throws WaitTimeout */
  outcomes(options?: WaitOptions): Promise<Settled<R>[]>
  /** The results that are known locally; null for a process that has not ended or has failed. */
  results(): (R | null)[]
  /**
   * The results one by one: in the order of the group, or as the processes end. At a failed process
   * the loop rejects and ends. May be called again. The timeout counts from the request for the
   * first value.
   *
   * @throws WaitTimeout
   */
  values(options?: ValuesOptions & { readonly raiseOnFailure?: true | undefined }): AsyncIterableIterator<R>
  /** As above, but gives the error of a failed process as its value, and continues. */
  values(options: ValuesOptions & { readonly raiseOnFailure: false }): AsyncIterableIterator<R | ProcessError>
  /**
   * The handles of the processes as they end, each once. The timeout counts from the request for
   * the first handle, and also while the body of the loop runs. Processes that ended in time are
   * still given.
   *
   * @throws WaitTimeout, whose message gives the number of unfinished processes: "2 (of 6)"
   */
  asCompleted(options?: WaitOptions): AsyncIterableIterator<ProcessHandle<R>>

  /**
   * Waits as `wait` does, and meanwhile shows the progress of the processes: bars on a terminal,
   * and a line for each change elsewhere. Resolves to whether enough have ended before the
   * timeout.
   */
  waitInteractive(options?: InteractiveOptions): Promise<boolean>
  /**
   * Waits for all processes, as `wait` does. Resolves to false at the timeout. When a process has
   * ended, all of its output is stored.
   */
  outputComplete(options?: WaitOptions): Promise<boolean>

  // ---------- reading ----------

  /** The logs of all processes: one after the other, or with `follow` as the entries arrive. */
  logs(options?: Omit<FollowOptions, 'after'>): AsyncIterable<LogChunk>
  /**
   * Writes what the processes printed, and then the failures of at most four of them. Wherever the
   * process changes, the line has a label: `[label or class, end of the pid]`.
   *
   * @throws TypeError for wrong options
   */
  display(options?: DisplayOptions): Promise<void>
  /** The states that are known locally, in the order of the group. */
  readonly statuses: readonly StateInfo[]
  /** How many have ended, as far as is known locally. */
  readonly progress: GroupProgress
  /** Reads the states of the processes that have not ended, as far as is known. */
  refresh(options?: WaitOptions): Promise<void>
  /** Reads the states as `refresh` does. Resolves to whether all have ended. */
  isReady(options?: WaitOptions): Promise<boolean>
  /** Whether all have succeeded. @throws NotReady while one has not ended, as far as is known */
  successful(): boolean
  /** Resolves once all processes are stored. @throws ProcessLost */
  submitted(options?: WaitOptions): Promise<void>

  /** Reads the metadata of each process. For a pruned process, they consist of its error. */
  metadata(): Promise<Metadata[]>
  /** Reads one field of the metadata of each process. @throws TypeError for an unknown field */
  field<const K extends keyof Metadata>(name: K): Promise<Metadata[K][]>
  /**
   * Waits for all processes. Resolves to their results by the id of the engine that ran each. Rejects as
   * `result()` does.
   *
   * @throws InvalidStateError if one engine has run several of the processes
   */
  byWorker(options?: WaitOptions): Promise<Map<string, R>>

  // ---------- times, in milliseconds ----------

  /**
   * From the first launch to the last end, or to now while a process has not ended. 0 for an empty
   * group.
   *
   * @throws NotReady before `metadata()`, if this client has not read the processes
   */
  elapsed(): number
  /** From the first launch to the last end. @throws NotReady as `elapsed`, and before the end */
  wallTime(): number
  /** The sum of the times from first step to end. @throws NotReady before the end, and before `metadata()` */
  serialTime(): number
  /**
   * The time between two dates. In a list of dates, the first counts as the start and the last as
   * the end, unless `startKey` and `endKey` choose others.
   */
  timedelta(start: Times, end: Times, options?: TimedeltaOptions): number

  // ---------- control ----------

  /**
   * Kills the processes whose first step has not begun, as `handle.abort` does. Resolves to the
   * pids of the killed ones, of those that had begun, and of those that had already ended; each
   * once.
   */
  abort(reason?: string): Promise<AbortedPids>

  /** Pauses each process as `handle.pause` does. Resolves to its answers, in the order of the group. */
  pause(message?: string, options?: TreeOptions): Promise<boolean[]>
  /** Plays each process as `handle.play` does. */
  play(options?: TreeOptions): Promise<boolean[]>
  /** Kills each process as `handle.kill` does. */
  kill(message?: string, options?: TreeOptions & { readonly force?: boolean | undefined }): Promise<boolean[]>

  // ---------- lifetime of the results ----------

  /** Retains the result of each process, as `handle.retain` does. @throws ClosedError */
  retain(): void
  /**
   * Releases the result of each process, as `handle.release` does, and drops results with the
   * retention `'until-fetched'`; those of running processes are dropped when they end. Also works
   * for a group that another program launched.
   */
  release(): Promise<void>
  /**
   * Drops the result of each process, as `handle.purge` does.
   *
   * @throws NotReady if a process has not ended; then nothing is dropped
   * @throws ProcessLost
   */
  purge(): Promise<void>
  /** Calls `release()`: `await using group = …` releases the results where the block ends. */
  [Symbol.asyncDispose](): Promise<void>

  // ---------- references ----------

  /**
   * Writes a file from which `client.openGroup(path)` makes the group in another program, as
   * `handle.save` does for one process.
   *
   * @throws PersistenceError if the file can't be written
   * @throws InvalidStateError for processes in memory
   */
  save(path?: string): Promise<string>
  /** What `save` writes. */
  toJSON(): GroupRecord
}
