import {
  LARGEST_MEMBERS,
  type GroupPage,
  type GroupRange,
  type GroupRow,
  type GroupMember,
} from '../contract/groups.ts'
import { sliceOf, type Groups, type StoredGroup } from '../rules/groups.ts'

interface KeptGroup extends StoredGroup {
  length: number | null
  /** The pids by their positions. A hole is a position that no member has taken. */
  readonly pids: (string | undefined)[]
  /** The number of positions that are taken. */
  launched: number
  /** The pids of the members that are not pruned. */
  readonly present: Set<string>
}

/** The groups of a memory store. */
export class MemoryGroups implements Groups {
  readonly #byName = new Map<string, KeptGroup>()
  readonly #byId = new Map<number, KeptGroup>()
  /** The groups that each process is a member of. */
  readonly #ofPid = new Map<string, Set<KeptGroup>>()
  #last = 0

  find(name: string): StoredGroup | undefined {
    return this.#byName.get(name)
  }

  add(group: Omit<StoredGroup, 'id'>): StoredGroup {
    const kept: KeptGroup = { ...group, id: ++this.#last, pids: [], launched: 0, present: new Set() }
    this.#byName.set(kept.name, kept)
    this.#byId.set(kept.id, kept)
    return kept
  }

  setLength(id: number, length: number | null): void {
    this.#of(id).length = length
  }

  member(id: number, position: number): string | undefined {
    return this.#of(id).pids[position]
  }

  put(id: number, position: number, pid: string): void {
    const group = this.#of(id)
    const before = group.pids[position]
    if (before === undefined) group.launched++
    group.pids[position] = pid
    if (before !== undefined && before !== pid) this.#drop(before, group)
    group.present.add(pid)
    const groups = this.#ofPid.get(pid) ?? new Set()
    this.#ofPid.set(pid, groups.add(group))
  }

  cut(id: number, position: number): void {
    const group = this.#of(id)
    for (const pid of group.pids.splice(position)) {
      if (pid === undefined) continue
      group.launched--
      this.#drop(pid, group)
    }
  }

  end(id: number): number {
    return this.#of(id).pids.length
  }

  /** A process is pruned. A group is deleted with its last process. */
  leave(pid: string): void {
    const groups = this.#ofPid.get(pid) ?? []
    this.#ofPid.delete(pid)
    for (const group of groups) {
      group.present.delete(pid)
      if (group.present.size > 0) continue
      this.#byName.delete(group.name)
      this.#byId.delete(group.id)
    }
  }

  /** Whether a process that is not pruned is a member. */
  has(name: string, pid: string): boolean {
    return this.#byName.get(name)?.present.has(pid) === true
  }

  row(name: string): GroupRow | undefined {
    const group = this.#byName.get(name)
    return group && rowOf(group)
  }

  page(range: GroupRange): GroupPage {
    const { limit, before } = sliceOf(range)
    const found = [...this.#byId.values()].filter(({ id }) => id < before).toReversed()
    const shown = found.slice(0, limit)
    const last = shown.at(-1)
    return {
      rows: shown.map(rowOf),
      next: found.length > limit && last !== undefined ? String(last.id) : undefined,
    }
  }

  members(name: string, from: number): GroupMember[] {
    const members: GroupMember[] = []
    const pids = this.#byName.get(name)?.pids ?? []
    for (let position = from; position < pids.length && members.length < LARGEST_MEMBERS; position++) {
      const pid = pids[position]
      if (pid !== undefined) members.push({ position, pid })
    }
    return members
  }

  #of(id: number): KeptGroup {
    const group = this.#byId.get(id)
    if (group === undefined) throw new Error(`there is no group ${id}`)
    return group
  }

  #drop(pid: string, group: KeptGroup): void {
    group.present.delete(pid)
    const groups = this.#ofPid.get(pid)
    groups?.delete(group)
    if (groups?.size === 0) this.#ofPid.delete(pid)
  }
}

function rowOf({ name, ordered, parent, createdAt, length, chunkSize, launched }: KeptGroup): GroupRow {
  return { name, ordered, parent, createdAt, length, chunkSize, launched }
}
