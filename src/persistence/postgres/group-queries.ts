import { LARGEST_MEMBERS, type GroupMember, type GroupPage, type GroupRow } from '../contract/groups.ts'
import type { GroupSlice } from '../rules/groups.ts'
import type { Database } from './database.ts'

/** The pids of the processes of a group that are not pruned, by its name. */
export const OF_GROUP = `SELECT m.pid FROM @member AS m WHERE m.grp = (SELECT g.id FROM @grp AS g WHERE g.name = ?) AND m.present`

const COLUMNS = `g.id, g.name, g.ordered = 1 AS ordered, g.parent, g.created_at AS "createdAt", g.length,
  g.chunk_size AS "chunkSize", (SELECT count(*) FROM @member AS m WHERE m.grp = g.id) AS launched`

type Numbered = GroupRow & { readonly id: number }

/** Reads the groups. */
export class GroupQueries {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async row(name: string): Promise<GroupRow | undefined> {
    const text = `SELECT ${COLUMNS} FROM @grp AS g WHERE g.name = $1`
    const [row] = await this.#database.query<Numbered>('reading a group', text, [name])
    return row && withoutId(row)
  }

  async page({ limit, before }: GroupSlice): Promise<GroupPage> {
    const text = `SELECT ${COLUMNS} FROM @grp AS g WHERE g.id < $1 ORDER BY g.id DESC LIMIT $2`
    const found = await this.#database.query<Numbered>('reading the groups', text, [before, limit + 1])
    const shown = found.slice(0, limit)
    const last = shown.at(-1)
    return {
      rows: shown.map(withoutId),
      next: found.length > limit && last !== undefined ? String(last.id) : undefined,
    }
  }

  members(name: string, from: number): Promise<readonly GroupMember[]> {
    return this.#database.query<GroupMember>(
      'reading the members of a group',
      `SELECT m.position, m.pid FROM @member AS m WHERE m.grp = (SELECT g.id FROM @grp AS g WHERE g.name = $1)
        AND m.position >= $2 ORDER BY m.position LIMIT $3`,
      [name, from, LARGEST_MEMBERS],
    )
  }
}

function withoutId({ id: _id, ...row }: Numbered): GroupRow {
  return row
}
