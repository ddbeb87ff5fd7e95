import type { ListFilter } from '../contract/control.ts'
import { addConditions } from '../rules/filter-sql.ts'
import { cursorOf, statesOf } from '../rules/paging.ts'
import { OF_GROUP } from './group-queries.ts'
import { BRIEF } from './schema.ts'

export interface Query {
  readonly sql: string
  readonly values: readonly unknown[]
}

/**
 * Whether a process is superseded. Goes up the line of the process, that is, the process and its
 * ancestors. A later process has a larger number.
 */
export const SUPERSEDED = `EXISTS (WITH RECURSIVE line(pid, parent, origin) AS (
    SELECT process.pid, process.parent, process.origin
    UNION ALL SELECT above.pid, above.parent, above.origin FROM line JOIN @process AS above ON above.pid = line.parent)
  SELECT 1 FROM line JOIN @process AS later ON later.origin IN (line.pid, line.origin) WHERE later.id > process.id)`

/**
 * The query for a page.
 *
 * @throws RangeError for an invalid cursor
 */
export function pageQuery(filter: ListFilter, limit: number, now: number): Query {
  const { sql, values } = conditions(filter, now)
  const cursor = cursorOf(filter)
  const all = [...values]
  let behind = ''
  if (cursor !== undefined) {
    all.push(cursor.createdAt, cursor.id)
    behind = ` AND (created_at, id) < ($${all.length - 1}, $${all.length})`
  }
  all.push(limit + 1)
  return {
    sql: `SELECT ${BRIEF} FROM @process AS process WHERE ${sql}${behind} ORDER BY created_at DESC, id DESC LIMIT $${all.length}`,
    values: all,
  }
}

export function countQuery(filter: ListFilter, now: number): Query {
  const { sql, values } = conditions(filter, now)
  return { sql: `SELECT state, count(*) AS n FROM @process AS process WHERE ${sql} GROUP BY state`, values }
}

function conditions(filter: ListFilter, now: number): Query {
  const texts: string[] = []
  const values: unknown[] = []
  /** `?` stands for the value. */
  const add = (text: string, value?: unknown): void => {
    if (value === undefined) {
      texts.push(text)
      return
    }
    values.push(value)
    texts.push(text.replaceAll('?', `$${values.length}`))
  }
  const states = statesOf(filter)
  if (states !== undefined) add('state = ANY(?)', states)
  addConditions(filter, now, add)
  if (filter.group !== undefined) add(`pid IN (${OF_GROUP})`, filter.group)
  if (filter.superseded !== undefined) add(filter.superseded ? SUPERSEDED : `NOT ${SUPERSEDED}`)
  if (filter.text !== undefined) {
    const columns = ['pid', 'key', 'label', 'status', 'message']
    add(
      `(${columns.map((column) => `position(? IN lower(${column})) > 0`).join(' OR ')})`,
      filter.text.toLowerCase(),
    )
  }
  return { sql: texts.length === 0 ? 'true' : texts.join(' AND '), values }
}
