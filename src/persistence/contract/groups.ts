/*
 * A stored group: processes that were launched together, in the order of their inputs.
 */

/** The position of a new process in a group. The group is stored with its first member. */
export interface GroupPosition {
  readonly name: string
  /** The number of the input, from 0. Of a chunk, that of its first item. */
  readonly position: number
  /** Whether results are read in this order by default. Kept from the first member on. */
  readonly ordered: boolean
  /**
   * Whether the step that launches the group has made the name, which is the same each time it runs.
   * Then the child that the step launches now takes the position, whatever was there before.
   */
  readonly byStep?: boolean | undefined
  /** How many inputs each process takes; the last process may take fewer. Default 1. */
  readonly chunkSize?: number | undefined
}

/** A group as a store reports it. Times are in wall-clock milliseconds. */
export interface GroupRow {
  readonly name: string
  readonly ordered: boolean
  /** The process whose step launched the group. */
  readonly parent: string | null
  readonly createdAt: number
  /** The number of inputs; null until the launch has stored all members. */
  readonly length: number | null
  /** How many inputs each process takes; the last process may take fewer. */
  readonly chunkSize: number
  /** The number of members that are stored, pruned ones included. */
  readonly launched: number
}

/** A member of a group. Its process may have been pruned. */
export interface GroupMember {
  readonly position: number
  readonly pid: string
}

/** Which groups to read. */
export interface GroupRange {
  /** The largest number of groups. Default 50, at most 1000. */
  readonly limit?: number | undefined
  /** `GroupPage.next` of the previous page. */
  readonly after?: string | undefined
}

/** Groups, newest first. */
export interface GroupPage {
  readonly rows: readonly GroupRow[]
  /** Undefined on the last page. */
  readonly next: string | undefined
}

/** The most members that one call reads. */
export const LARGEST_MEMBERS = 10_000
