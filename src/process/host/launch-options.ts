import type { AbortSignal } from '../../shared/abort-signal.ts'
import type { Duration } from '../../shared/duration.ts'
import type { RetryOptions } from '../../spec/retry-policy.ts'
import type { AllowFailure } from './input-marks.ts'
import type { DoneRef, Ref } from './process-handle.ts'

/** Anything that refers to one process. */
export type AnyRef = Ref | DoneRef | AllowFailure

/**
 * The processes that have to end before a process starts, and how. `after: [a, b]` is short for
 * `after: { on: [a, b] }`.
 */
export interface Dependency {
  /** Handles or references. Only the process of a reference counts. */
  readonly on: readonly AnyRef[]
  /** Whether all of them have to end in this way, or any one. Default `all`. */
  readonly when?: 'all' | 'any' | undefined
  /**
   * How they have to end. A process given with `allowFailure` may end in any way. Default
   * `successful`. Once the condition can no longer be met, the process is excepted with
   * `UpstreamFailed`.
   */
  readonly ended?: 'successful' | 'failed' | 'either' | undefined
  /**
   * The process is excepted with `WaitTimeout` if the condition is not met within this time from
   * the launch. Default: no limit.
   */
  readonly timeout?: Duration | undefined
}

/** Options of a launch. */
export interface LaunchOptions {
  /** The pid; default a new UUIDv7. */
  readonly pid?: string | undefined
  /**
   * A second launch with the same key, class and inputs finds the same process. With another class
   * or other inputs it rejects with `KeyConflictError`.
   */
  readonly key?: string | undefined
  /** Free text shown in lists. */
  readonly label?: string | undefined
  /**
   * The label of the engines that may run the process, such as `gpu`: one of the `labels` that they
   * were opened with. The process waits until such an engine runs. A child does not inherit it from
   * its parent; a restarted or resubmitted process inherits it from the old one. Default: any
   * engine.
   */
  readonly worker?: string | undefined
  /** Kills the process when it aborts. */
  readonly signal?: AbortSignal | undefined
  /** The first step does not run before this time has passed. */
  readonly delay?: Duration | undefined
  /**
   * A date, or a time from now. If the process has not ended by then, it is excepted with
   * `DeadlineExceeded` and its children are killed.
   */
  readonly deadline?: Date | Duration | undefined
  /**
   * Replaces the retries that the class declares for all its steps, but not those of single steps.
   * A number means that many attempts.
   */
  readonly retry?: number | RetryOptions | undefined
  /**
   * For a child: kills, pauses and plays of the parent do not reach it, and it may outlive the
   * parent. Default false.
   */
  readonly abandon?: boolean | undefined
  /**
   * Processes that have to end before the first step: handles or references, all of which have to
   * end successfully, or a `Dependency`. Passes no values.
   */
  readonly after?: readonly AnyRef[] | Dependency | undefined
  /** How long the store keeps the result and the outputs. Default `'keep'`. */
  readonly retention?: Retention | undefined
}

/**
 * How long the store keeps the result and the outputs of a process. Its record stays in any case.
 * No policy drops a value that an unfinished process may still take.
 *
 * - `'keep'`: until the process is pruned, or its result purged.
 * - `'until-fetched'`: until `handle.purge()`, or the `release()` of its group. Reading drops nothing.
 * - `'refs'`: while any session retains it (`handle.retain()`). The launching session retains it
 *   from the start; for a child, it is kept until its parent has ended.
 * - `{ ttl: '30d' }`: for this long after the end.
 */
export type Retention = 'keep' | 'until-fetched' | 'refs' | { readonly ttl: Duration }
