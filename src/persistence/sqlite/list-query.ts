import type { ProcessState } from '../../process/state/process-state.ts'
import { newestFirst, noCounts, pageOf, positionOf, statesOf } from '../rules/paging.ts'
import type { Row } from '../rules/row.ts'
import type { ListFilter, ProcessPage } from '../contract/control.ts'
import type { Connection } from './connection.ts'
import { SELECT_BRIEF } from './process-table.ts'

export interface Query {
  readonly sql: string
  readonly values: readonly unknown[]
}

export function list(connection: Connection, queries: readonly Query[], limit: number): ProcessPage {
  const rows = queries.flatMap(({ sql, values }) => connection.sql<Row>(sql).all(...values))
  return pageOf(rows.toSorted(newestFirst), limit)
}

/**
 * The queries for a page: one for each state, so that each can use its index.
 *
 * @throws RangeError for an invalid limit or position
 */
export function pageQueries(filter: ListFilter, limit: number): Query[] {
  const states = statesOf(filter) ?? [undefined]
  const position = positionOf(filter)
  return states.map((state) => {
    const { sql, values } = conditions({ ...filter, state })
    const after = position === undefined ? [] : [position.createdAt, position.id]
    const behind = position === undefined ? '' : ' AND (created_at, id) < (?, ?)'
    return {
      sql: `${SELECT_BRIEF} WHERE ${sql}${behind} ORDER BY created_at DESC, id DESC LIMIT ?`,
      values: [...values, ...after, limit + 1],
    }
  })
}

export function count(connection: Connection, filter: ListFilter): Record<ProcessState, number> {
  const counts = noCounts()
  for (const state of statesOf(filter) ?? [undefined]) {
    const { sql, values } = conditions({ ...filter, state })
    const rows = connection
      .sql<{ readonly state: ProcessState; readonly n: number }>(
        `SELECT state, count(*) AS n FROM process WHERE ${sql} GROUP BY state`,
      )
      .all(...values)
    for (const row of rows) counts[row.state] = row.n
  }
  return counts
}

function conditions(
  filter: Omit<ListFilter, 'state'> & { readonly state?: ProcessState | undefined },
): Query {
  const texts: string[] = []
  const values: unknown[] = []
  const add = (text: string, ...given: unknown[]): void => {
    texts.push(text)
    values.push(...given)
  }
  if (filter.state !== undefined) add('state = ?', filter.state)
  if (filter.className !== undefined) add('class = ?', filter.className)
  if (filter.key !== undefined) add('key = ?', filter.key)
  if (filter.label !== undefined) add('label = ?', filter.label)
  if (filter.parent !== undefined) add('parent = ?', filter.parent)
  if (filter.origin !== undefined) add('origin = ?', filter.origin)
  // Written out, since SQLite finds the partial index of paused processes only by the literal
  // value.
  if (filter.paused !== undefined) add(filter.paused ? 'paused = 1' : 'paused = 0')
  if (filter.since !== undefined) add('created_at >= ?', filter.since)
  if (filter.until !== undefined) add('created_at < ?', filter.until)
  if (filter.endedBefore !== undefined) {
    // What was created later has not ended earlier: the indexes go by the time of the creation.
    add('ended_at < ? AND created_at < ?', filter.endedBefore, filter.endedBefore)
  }
  if (filter.text !== undefined) {
    const columns = ['pid', 'key', 'label', 'status', 'message']
    const text = filter.text.toLowerCase()
    add(
      `(${columns.map((column) => `instr(fold(${column}), ?) > 0`).join(' OR ')})`,
      ...columns.map(() => text),
    )
  }
  return { sql: texts.length === 0 ? 'true' : texts.join(' AND '), values }
}
