import type { ProcessState } from '../../process/state/process-state.ts'

/** What a store answers to one write. */
export type Outcome =
  | Done
  /**
   * There is no such process. For a `Create`: the parent does not exist, or the needed process
   * `needed` does not exist or is the new process itself.
   */
  | { readonly status: 'missing'; readonly needed?: string }
  /**
   * The writer no longer holds the claim, or the sequence number is not the next one (C4). For a
   * `Create`: a process that it takes over has changed.
   */
  | { readonly status: 'fenced' }
  | Held
  /** The process has ended (C5). For a `Create`: the parent has ended or is being killed. */
  | { readonly status: 'ended'; readonly state: ProcessState }
  /**
   * The pid or the key belongs to a process of another class or with other inputs. For an `Edit`:
   * an engine holds the process. For a `Prune` or a `Purge`: the process has not ended.
   */
  | { readonly status: 'conflict'; readonly pid: string; readonly reason: string }
  | Refused

/**
 * The store refused this write, for example because it is too large. The other writes of the batch are
 * not affected. `damaged`: the store can no longer keep the process, which is to be parked (C9).
 */
export interface Refused {
  readonly status: 'refused'
  readonly error: Error
  readonly damaged?: true | undefined
}

/** A pause or kill that is stored in the row. */
interface StoredRequests {
  readonly pause?: { readonly message: string | null }
  readonly kill?: { readonly message: string | null; readonly deadline: number }
}

/**
 * An `Advance` or a `StepRecord` was not applied, because the process may not move. With `pause`:
 * the process waits and is paused, and the same write applies once it is played. With `kill`: a
 * kill is stored, and the process can only end as `killed` (C5).
 */
export interface Held extends StoredRequests {
  readonly status: 'held'
  /** For `ServeCalls`: the calls that have ended or are being killed. */
  readonly calls?: readonly string[]
}

/**
 * The write was applied, now or before. For an `Advance`, `StepRecord` or `Create`, `pause` and
 * `kill` are the requests that were stored meanwhile; a pause is carried out by this write. A child
 * of a paused process is created paused.
 */
export interface Done extends StoredRequests {
  readonly status: 'done'
  /**
   * The process that was written. For a `Create` that matches an existing process: that process.
   */
  readonly pid: string
  /** For a `Create`: whether the process existed already. */
  readonly existed?: boolean
  /**
   * For an `Advance`, a `StepRecord` and a `Create` with a claim: whether the claim was given back.
   * That happens when the process waits, is paused or has ended. A step that only waits keeps the
   * claim unless it evicts. If a kill is stored, an evicting step keeps it too, so that the
   * engine can end the process with its hooks.
   */
  readonly released?: boolean
  /**
   * For an `Advance` that ends the process, and for `ServeCalls`: the time of the end by the store's
   * clock.
   */
  readonly endedAt?: number
  /**
   * For a `Request` or an `Enforce`: whether it took effect at once. Otherwise it is stored for the
   * engine. For an `Unretain`, a `Purge` or a `DropDue`: whether the result is dropped.
   */
  readonly applied?: boolean
}
