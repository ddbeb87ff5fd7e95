import type { Groups, StoredGroup } from '../rules/groups.ts'
import type { Loaded } from './loaded.ts'
import { NotLoaded } from './not-loaded.ts'
import type { Wanted } from './wanted.ts'

interface Group extends Omit<StoredGroup, 'length'> {
  length: number | null
  /** The `rev` that was loaded; null for a new one. */
  readonly was: number | null
  end: number
  readonly members: Map<number, string>
  readonly put: Map<number, string>
  cut: number | null
  isChanged: boolean
}

/** The groups of one commit, as the rules see them. */
export class SessionGroups implements Groups {
  readonly #loaded: Loaded
  readonly #wanted: Wanted
  readonly #byName = new Map<string, Group>()
  readonly #byId = new Map<number, Group>()
  #last = 0

  constructor(loaded: Loaded, wanted: Wanted) {
    this.#loaded = loaded
    this.#wanted = wanted
  }

  find(name: string): StoredGroup | undefined {
    const known = this.#byName.get(name)
    if (known !== undefined) return known
    const found = this.#loaded.group(name)
    if (found === undefined) {
      if (this.#loaded.wanted.groups.has(name)) return undefined
      this.#wanted.group(name)
      throw new NotLoaded()
    }
    const { row, end, members } = found
    return this.#keep({
      id: row.id,
      name,
      ordered: row.ordered === 1,
      parent: row.parent,
      createdAt: row.created_at,
      length: row.length,
      chunkSize: row.chunk_size,
      was: row.rev,
      end,
      members: new Map(members),
      put: new Map(),
      cut: null,
      isChanged: false,
    })
  }

  add(group: Omit<StoredGroup, 'id'>): StoredGroup {
    // The database gives it its number.
    const id = --this.#last
    return this.#keep({
      ...group,
      id,
      was: null,
      end: 0,
      members: new Map(),
      put: new Map(),
      cut: null,
      isChanged: true,
    })
  }

  setLength(id: number, length: number | null): void {
    const group = this.#of(id)
    group.length = length
    group.isChanged = true
  }

  member(id: number, position: number): string | undefined {
    const { members, name, was } = this.#of(id)
    const known = members.get(position)
    if (known !== undefined) return known
    if (was !== null && this.#loaded.wanted.groups.get(name)?.has(position) !== true) {
      this.#wanted.position(name, position)
      throw new NotLoaded()
    }
    return undefined
  }

  put(id: number, position: number, pid: string): void {
    const group = this.#of(id)
    group.members.set(position, pid)
    group.put.set(position, pid)
    group.end = Math.max(group.end, position + 1)
    group.isChanged = true
  }

  cut(id: number, position: number): void {
    const group = this.#of(id)
    group.cut = Math.min(group.cut ?? position, position)
    group.end = Math.min(group.end, position)
    for (const one of Array.from(group.members.keys())) if (one >= position) group.members.delete(one)
    for (const one of Array.from(group.put.keys())) if (one >= position) group.put.delete(one)
    group.isChanged = true
  }

  end(id: number): number {
    return this.#of(id).end
  }

  /** The groups that the commit changes, for the function `apply`. */
  changed(): readonly unknown[] {
    return [...this.#byName.values()]
      .filter(({ isChanged }) => isChanged)
      .map((group) => ({
        name: group.name,
        ordered: Number(group.ordered),
        parent: group.parent,
        created_at: group.createdAt,
        length: group.length,
        chunk_size: group.chunkSize,
        was: group.was,
        rev: (group.was ?? 0) + 1,
        cut: group.cut,
        members: [...group.put],
      }))
  }

  #keep(group: Group): Group {
    this.#byName.set(group.name, group)
    this.#byId.set(group.id, group)
    return group
  }

  #of(id: number): Group {
    const group = this.#byId.get(id)
    if (group === undefined) throw new Error(`there is no group ${id}`)
    return group
  }
}
