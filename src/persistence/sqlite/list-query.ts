import type { ProcessState } from '../../process/state/process-state.ts'
import { newestFirst, noCounts, pageOf, cursorOf, statesOf } from '../rules/paging.ts'
import type { Row } from '../rules/row.ts'
import { addConditions, READY, SUSPECT } from '../rules/filter-sql.ts'
import type { ListFilter, ProcessPage } from '../contract/control.ts'
import type { Connection } from './connection.ts'
import { OF_GROUP } from './group-table.ts'
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
 * The queries for a page: one for each state or index, so that each can use its index.
 *
 * @throws RangeError for an invalid limit or cursor
 */
export function pageQueries(filter: ListFilter, limit: number, now: number): Query[] {
  const cursor = cursorOf(filter)
  const after = cursor === undefined ? [] : [cursor.createdAt, cursor.id]
  const behind = cursor === undefined ? '' : ' AND (created_at, id) < (?, ?)'
  return sources(filter, now).map(({ index, sql, values }) => ({
    sql: `${SELECT_BRIEF}${index} WHERE ${sql}${behind} ORDER BY created_at DESC, id DESC LIMIT ?`,
    values: [...values, ...after, limit + 1],
  }))
}

export function count(connection: Connection, filter: ListFilter, now: number): Record<ProcessState, number> {
  const counts = noCounts()
  for (const { index, sql, values } of sources(filter, now)) {
    const rows = connection
      .sql<{ readonly state: ProcessState; readonly n: number }>(
        `SELECT state, count(*) AS n FROM process${index} WHERE ${sql} GROUP BY state`,
      )
      .all(...values)
    for (const row of rows) counts[row.state] += row.n
  }
  return counts
}

/**
 * Whether a process is superseded. Goes up the line of the process, that is, the process and its
 * ancestors. The processes that were restarted or resubmitted have an index of their own. A later
 * process has a larger number.
 */
export const SUPERSEDED = `EXISTS (WITH RECURSIVE line(pid, parent, origin) AS (
    SELECT process.pid, process.parent, process.origin
    UNION ALL SELECT above.pid, above.parent, above.origin FROM line CROSS JOIN process AS above ON above.pid = line.parent)
  SELECT 1 FROM line CROSS JOIN process AS later ON later.origin IN (line.pid, line.origin) WHERE later.id > process.id)`

/** A query, and the index that it must use, if any. */
interface Source extends Query {
  readonly index: string
}

/** The queries that together find each process that a filter matches once. */
function sources(filter: ListFilter, now: number): Source[] {
  const states = statesOf(filter)
  const { sql, values } = conditions(filter, now)
  const isIn = states === undefined ? '' : ` AND state IN (${states.map(() => '?').join(', ')})`
  const all = [...values, ...(states ?? [])]
  // By the numbers of the rows, since no index would find them faster.
  if (filter.group !== undefined) return [{ index: ' NOT INDEXED', sql: `${sql}${isIn}`, values: all }]
  const few = fewIndexes(filter)
  if (few.length > 0)
    return few.map(([index, condition]) => ({
      index: ` INDEXED BY ${index}`,
      sql: `${condition} AND ${sql}${isIn}`,
      values: all,
    }))
  // The index of classes goes through all states of a class. A query for a state that few of them are
  // in would read the whole class for each page.
  if (states === undefined || filter.className !== undefined)
    return [{ index: '', sql: `${sql}${isIn}`, values: all }]
  return states.map((state) => ({ index: '', sql: `state = ? AND ${sql}`, values: [state, ...values] }))
}

/**
 * The indexes, with their conditions, for properties that few processes have. The query planner has
 * no statistics, and would rather read all processes of a state in the order of the list.
 */
function fewIndexes(filter: ListFilter): (readonly [index: string, condition: string])[] {
  if (filter.key !== undefined) return [['process_key', 'key IS NOT NULL']]
  if (filter.parent !== undefined) return []
  if (filter.requested === 'kill') return [['process_deadline', 'kill_deadline IS NOT NULL']]
  if (filter.engine !== undefined) return [['process_owner', 'owner IS NOT NULL']]
  // Only a process that an engine runs keeps a pause for later.
  if (filter.requested === 'pause') return [['process_owner', 'owner IS NOT NULL']]
  if (filter.parked === true) return [['process_parked', 'parked IS NOT NULL']]
  if (filter.paused === true || filter.gaveUp === true) return [['process_paused', 'paused = 1']]
  if (filter.actor === true) return [['process_actor', 'calls IS NOT NULL']]
  if (filter.successful === false) return [['process_failed', 'successful = 0']]
  if (filter.ready !== true) return []
  return [
    ['process_ready', READY],
    ['process_suspect', SUSPECT],
  ]
}

/** The conditions of a filter, except the state. */
function conditions(filter: ListFilter, now: number): Query {
  const texts: string[] = []
  const values: unknown[] = []
  const add = (text: string, ...given: unknown[]): void => {
    texts.push(text)
    values.push(...given)
  }
  addConditions(filter, now, (text, ...value) => add(text, ...value))
  if (filter.group !== undefined) add(`id IN (${OF_GROUP})`, filter.group)
  if (filter.superseded !== undefined) add(filter.superseded ? SUPERSEDED : `NOT ${SUPERSEDED}`)
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
