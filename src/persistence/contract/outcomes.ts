import type { ProcessState } from '../../process/state/process-state.ts'

export type Outcome =
  | Done
  /** No such process. */
  | { readonly status: 'missing' }
  /** The claim is not held any more, or the sequence is not the next (C4); for a `Create`, what it takes over has changed. */
  | { readonly status: 'fenced' }
  | Held
  /** The process has ended (C5); for a `Create`, its parent has ended or is being killed. */
  | { readonly status: 'ended'; readonly state: ProcessState }
  /** The pid or the key belongs to a process of another class or with other inputs. */
  | { readonly status: 'conflict'; readonly pid: string; readonly reason: string }
  /**
   * This write was refused by the store (too large, say); the others were not. `damaged`: the store can't keep the process any
   * more, which is to be parked (C9).
   */
  | { readonly status: 'refused'; readonly error: Error; readonly damaged?: true | undefined }

/**
 * An `Advance` or a `StepRecord` was not applied, since the process that makes it may not move. With `pause`: it waits and is paused; the same
 * write applies once it is played. With `kill`: a kill is stored, and the process can end as `killed` alone (C5).
 */
export interface Held {
  readonly status: 'held'
  readonly pause?: { readonly message: string | null }
  readonly kill?: { readonly message: string | null; readonly deadline: number }
}

export interface Done {
  readonly status: 'done'
  /** The process written; with `Create` the one that was there already, if so. */
  readonly pid: string
  /** With `Create`: whether it was there already. */
  readonly existed?: boolean
  /**
   * With `Advance`, `StepRecord` and `Create`: requests that were stored meanwhile. A pause has been carried out by this very write;
   * a child of a paused process is born paused.
   */
  readonly pause?: { readonly message: string | null }
  readonly kill?: { readonly message: string | null; readonly deadline: number }
  /**
   * With `Advance`, `StepRecord` and a `Create` with a claim: whether the claim was given back, as it is when the process waits (a step that only
   * waits keeps it, unless it evicts), is paused or has ended. With a kill stored it is kept by a step that evicts, so that the engine can end
   * the process with its hooks.
   */
  readonly released?: boolean
  /** With an `Advance` that ends the process: when it ended, by the store's clock. */
  readonly endedAt?: number
  /** With `Request` and `Enforce`: whether it took effect at once, rather than being stored for its engine. */
  readonly applied?: boolean
}
