import type { GroupPosition, GroupRange } from '../contract/groups.ts'
import type { Outcome } from '../contract/outcomes.ts'
import type { CompleteGroup, Create } from '../contract/writes.ts'
import { creationRefusal } from './new-row.ts'
import { limitOf } from './paging.ts'
import type { BriefRow } from './row.ts'

/** A group as a back end stores it. */
export interface StoredGroup {
  readonly id: number
  readonly name: string
  readonly ordered: boolean
  readonly parent: string | null
  readonly createdAt: number
  readonly length: number | null
  readonly chunkSize: number
}

/** The groups of one transaction, as the rules see them. */
export interface Groups {
  find(name: string): StoredGroup | undefined
  add(group: Omit<StoredGroup, 'id'>): StoredGroup
  setLength(id: number, length: number | null): void
  /** The pid of the member at a position. */
  member(id: number, position: number): string | undefined
  /** Puts a process at a position. Another process that was there leaves the group. */
  put(id: number, position: number, pid: string): void
  /** Drops the members from this position on. */
  cut(id: number, position: number): void
  /** One more than the last position that is taken. */
  end(id: number): number
}

/** What a `Create` finds at its position in a group: a reason to refuse it, or the pid of the member. */
export interface FoundMember {
  readonly refusal?: Outcome
  readonly member?: string | undefined
}

export function findMember(
  groups: Groups,
  write: Create,
  { name, position, byStep }: GroupPosition,
): FoundMember {
  const group = groups.find(name)
  // The step finds its children by their pids.
  if (group === undefined || byStep === true) return {}
  const { length } = group
  if (length !== null && position >= length)
    return { refusal: conflict(write, `the group ${quoted(name)} is complete with ${members(length)}`) }
  return { member: groups.member(group.id, position) }
}

/** Puts the process that a `Create` has stored or found at its position. */
export function putMember(groups: Groups, write: Create, group: GroupPosition, pid: string): void {
  const { name, position, ordered, chunkSize = 1 } = group
  const { parent } = write
  const createdAt = Math.round(write.createdAt)
  const stored =
    groups.find(name) ?? groups.add({ name, ordered, parent, createdAt, length: null, chunkSize })
  // A step that runs again may launch more members than before.
  if (stored.length !== null && position >= stored.length) groups.setLength(stored.id, null)
  groups.put(stored.id, position, pid)
}

/** How a message names a position in a group. */
export function positionText({ name, position }: GroupPosition): string {
  return `position ${position} of the group ${quoted(name)}`
}

/**
 * Applies a `CompleteGroup`. The launch has checked the outcome of each member, so the members are
 * not counted: a member may have been pruned since, and the group with the last one.
 */
export function completeGroup(
  groups: Groups,
  write: CompleteGroup,
  parent: BriefRow | null | undefined,
): Outcome {
  const refusal = creationRefusal(write, parent)
  if (refusal !== undefined) return refusal
  const { pid, name, length, ordered, chunkSize = 1 } = write
  const done = { status: 'done', pid } as const
  const group = groups.find(name)
  if (group === undefined) {
    const createdAt = Math.round(write.createdAt)
    if (length === 0) groups.add({ name, ordered, parent: write.parent, createdAt, length, chunkSize })
    return done
  }
  if (group.length === length) return done
  const end = groups.end(group.id)
  if (write.byStep === true) groups.cut(group.id, length)
  else if (group.length !== null || end > length) {
    return conflict(write, `the group ${quoted(name)} has ${members(group.length ?? end)}, not ${length}`)
  }
  groups.setLength(group.id, length)
  return done
}

function conflict({ pid }: Pick<Create, 'pid'>, reason: string): Outcome {
  return { status: 'conflict', pid, reason }
}

function members(count: number): string {
  return count === 1 ? '1 member' : `${count} members`
}

function quoted(name: string): string {
  return JSON.stringify(name)
}

/** The groups of a page: those with a smaller number than `before`. */
export interface GroupSlice {
  readonly limit: number
  readonly before: number
}

/** @throws RangeError for an invalid limit, or an `after` that is not the `next` of a page */
export function sliceOf({ limit, after }: GroupRange): GroupSlice {
  if (after !== undefined && !/^\d+$/.test(after))
    throw new RangeError(`after is ${JSON.stringify(after)}: give the \`next\` of a page`)
  return { limit: limitOf({ limit }), before: after === undefined ? Number.MAX_SAFE_INTEGER : Number(after) }
}
