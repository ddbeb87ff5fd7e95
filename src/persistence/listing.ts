import { ProcessState } from '../process/state.ts'
import type { ListFilter, ProcessPage } from './store.ts'
import { processRow, type Row } from './row.ts'

const DEFAULT_LIMIT = 50
const LARGEST_LIMIT = 1_000

/** Where a page begins: behind this process, newest first. */
export interface Position {
  readonly createdAt: number
  readonly id: number
}

/** @throws RangeError for a limit that is no whole number from 1 to 1000 */
export function limitOf(filter: ListFilter): number {
  const limit = filter.limit ?? DEFAULT_LIMIT
  if (!Number.isInteger(limit) || limit < 1 || limit > LARGEST_LIMIT) {
    throw new RangeError(`limit is ${limit}: give a whole number from 1 to ${LARGEST_LIMIT}`)
  }
  return limit
}

/** @throws RangeError for an `after` that came from no page */
export function positionOf(filter: ListFilter): Position | undefined {
  if (filter.after === undefined) return undefined
  const match = /^(-?\d+):(\d+)$/.exec(filter.after)
  if (match === null)
    throw new RangeError(`after is ${JSON.stringify(filter.after)}: give the \`next\` of a page`)
  return { createdAt: Number(match[1]), id: Number(match[2]) }
}

/** A page from rows of which there may be one more than it takes. */
export function pageOf(rows: readonly Row[], limit: number): ProcessPage {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return {
    rows: shown.map(processRow),
    next: rows.length > limit && last !== undefined ? `${last.created_at}:${last.id}` : undefined,
  }
}

/** The states that a filter lets through; undefined for all. */
export function statesOf(filter: ListFilter): readonly ProcessState[] | undefined {
  if (filter.state === undefined) return undefined
  return typeof filter.state === 'string' ? [filter.state] : [...new Set(filter.state)]
}

/** Newest first; of the same time, the one that was stored last. */
export function newestFirst(a: Row, b: Row): number {
  return b.created_at - a.created_at || b.id - a.id
}

export function noCounts(): Record<ProcessState, number> {
  return Object.fromEntries(Object.values(ProcessState).map((state) => [state, 0])) as Record<
    ProcessState,
    number
  >
}
