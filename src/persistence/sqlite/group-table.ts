import { LARGEST_MEMBERS, type GroupPage, type GroupRow, type GroupMember } from '../contract/groups.ts'
import type { Groups, GroupSlice, StoredGroup } from '../rules/groups.ts'
import type { Connection } from './connection.ts'
import type { ProcessTable } from './process-table.ts'

const GROUP =
  'SELECT id, name, ordered, parent, created_at AS createdAt, length, chunk_size AS chunkSize FROM grp'
const AT = 'SELECT pid, process FROM member WHERE grp = ? AND position = ?'
const PUT_NEW = `INSERT INTO member (grp, position, pid, process) VALUES (?, ?, ?, ?)
  ON CONFLICT (grp, position) DO NOTHING`
const PUT = 'UPDATE member SET pid = ?, process = ? WHERE grp = ? AND position = ?'
const ADD_PRESENT = 'UPDATE grp SET present = present + ? WHERE id = ?'
const LEAVE = 'UPDATE member SET process = NULL WHERE process = ? RETURNING grp'

/** The rows of the processes of a group, by its name. */
export const OF_GROUP = `SELECT process FROM member
  WHERE grp = (SELECT id FROM grp WHERE name = ?) AND process IS NOT NULL`

type Flags = Omit<StoredGroup, 'ordered'> & { readonly ordered: number }

/** The tables `grp` and `member`. */
export class GroupTable implements Groups {
  readonly #connection: Connection
  readonly #processes: ProcessTable

  constructor(connection: Connection, processes: ProcessTable) {
    this.#connection = connection
    this.#processes = processes
  }

  find(name: string): StoredGroup | undefined {
    const found = this.#connection.sql<Flags>(`${GROUP} WHERE name = ?`).get(name)
    return found && { ...found, ordered: found.ordered === 1 }
  }

  add(group: Omit<StoredGroup, 'id'>): StoredGroup {
    const { name, ordered, parent, createdAt, length, chunkSize } = group
    const { lastInsertRowid } = this.#connection
      .sql(
        'INSERT INTO grp (name, ordered, parent, created_at, length, chunk_size) VALUES (?, ?, ?, ?, ?, ?)',
      )
      .run(name, Number(ordered), parent, createdAt, length, chunkSize)
    return { ...group, id: Number(lastInsertRowid) }
  }

  setLength(id: number, length: number | null): void {
    this.#connection.sql('UPDATE grp SET length = ? WHERE id = ?').run(length, id)
  }

  member(id: number, position: number): string | undefined {
    return this.#at(id, position)?.pid
  }

  put(id: number, position: number, pid: string): void {
    const process = this.#processes.known(pid)?.id ?? null
    const isNew = this.#connection.sql(PUT_NEW).run(id, position, pid, process).changes > 0
    const before = isNew ? undefined : this.#at(id, position)
    if (before?.pid === pid && before.process === process) return
    if (!isNew) this.#connection.sql(PUT).run(pid, process, id, position)
    const more = Number(process !== null) - Number((before?.process ?? null) !== null)
    if (more !== 0) this.#connection.sql(ADD_PRESENT).run(more, id)
  }

  cut(id: number, position: number): void {
    const dropped = this.#connection
      .sql<number | null>('DELETE FROM member WHERE grp = ? AND position >= ? RETURNING process')
      .pluck()
      .all(id, position)
    const present = dropped.filter((process) => process !== null).length
    if (present > 0) this.#connection.sql(ADD_PRESENT).run(-present, id)
  }

  end(id: number): number {
    const last = this.#connection.sql<number | null>('SELECT max(position) FROM member WHERE grp = ?')
    return (last.pluck().get(id) ?? -1) + 1
  }

  /**
   * Call it when a process is pruned. A group is deleted with its last process. Until then it keeps
   * the pids of all members, so that their order stays.
   */
  leave(process: number): void {
    for (const id of this.#connection.sql<number>(LEAVE).pluck().all(process)) {
      this.#connection.sql(ADD_PRESENT).run(-1, id)
      if (this.#connection.sql('DELETE FROM grp WHERE id = ? AND present <= 0').run(id).changes > 0)
        this.#connection.sql('DELETE FROM member WHERE grp = ?').run(id)
    }
  }

  /** The group as it is reported. */
  row(name: string): GroupRow | undefined {
    const group = this.find(name)
    return group && this.#row(group)
  }

  page({ limit, before }: GroupSlice): GroupPage {
    const found = this.#connection
      .sql<Flags>(`${GROUP} WHERE id < ? ORDER BY id DESC LIMIT ?`)
      .all(before, limit + 1)
    const shown = found.slice(0, limit)
    const last = shown.at(-1)
    return {
      rows: shown.map((group) => this.#row({ ...group, ordered: group.ordered === 1 })),
      next: found.length > limit && last !== undefined ? String(last.id) : undefined,
    }
  }

  members(name: string, from: number): GroupMember[] {
    const group = this.find(name)
    if (group === undefined) return []
    return this.#connection
      .sql<GroupMember>(
        'SELECT position, pid FROM member WHERE grp = ? AND position >= ? ORDER BY position LIMIT ?',
      )
      .all(group.id, from, LARGEST_MEMBERS)
  }

  #row({ id, ...group }: StoredGroup): GroupRow {
    const count = this.#connection.sql<number>('SELECT count(*) FROM member WHERE grp = ?').pluck()
    return { ...group, launched: count.get(id) ?? 0 }
  }

  #at(id: number, position: number): { readonly pid: string; readonly process: number | null } | undefined {
    return this.#connection
      .sql<{ readonly pid: string; readonly process: number | null }>(AT)
      .get(id, position)
  }
}
