import type { StoredRetention } from '../../process/host/retention.ts'

/** What a store knows of how long the result of a process is kept. */
export interface LifetimeRow {
  readonly pid: string
  /** Null: until the process is pruned. */
  readonly retention: StoredRetention | null
  readonly dropped: boolean
  /** Whether any session retains it. */
  readonly retained: boolean
  /** Whether a process that has not ended may still take the value. */
  readonly needed: boolean
}

/** The results that are to be dropped, as far as a store knows. */
export interface DueResults {
  /** The processes that are due, longest first. */
  readonly pids: readonly string[]
  /** When the next one is due, in wall-clock milliseconds; null if none has a time. */
  readonly next: number | null
  /** Whether the store has results that are not kept for ever, or that sessions retain. */
  readonly any: boolean
}

/** A session keeps the result of a process, whatever its retention. It has to be open. */
export interface Retain {
  readonly kind: 'retain'
  readonly pid: string
  readonly session: string
}

/**
 * A session does not keep the result any more. Drops it, if it is kept for no other reason
 * (`Done.applied`).
 */
export interface Unretain {
  readonly kind: 'unretain'
  readonly pid: string
  /** Null where the session retains the result further, or never did. */
  readonly session: string | null
  /** Whether the group of the process is released. */
  readonly ofGroup: boolean
  /** The sender, for the history. */
  readonly by: string
}

/**
 * Drops the result and the outputs of an ended process, or once no process that has not ended needs
 * them any more (`Done.applied`). `conflict` for a process that has not ended.
 */
export interface Purge {
  readonly kind: 'purge'
  readonly pid: string
  /** The sender, for the history. */
  readonly by: string
}

/**
 * Drops the result of a process that is due by its retention (`Done.applied`), unless something keeps it
 * by now. Sets when to look at it again.
 */
export interface DropDue {
  readonly kind: 'drop'
  readonly pid: string
  /** The engine, for the history. */
  readonly by: string
}
