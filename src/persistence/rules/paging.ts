import { ProcessState } from '../../process/state/process-state.ts'
import { suggestion } from '../../shared/nearest.ts'
import { checkOptions, isFlag, type OptionNames } from '../../shared/options.ts'
import { checkText } from '../../shared/text.ts'
import type { ListFilter, ProcessPage } from '../contract/control.ts'
import { processRow, type Row } from './row.ts'

/**
 * Selects the processes of a bulk request. The request reaches all of them, so there are no pages.
 */
export type BulkFilter = Omit<ListFilter, 'limit' | 'after'>

const BULK: OptionNames<BulkFilter> = {
  state: true,
  className: true,
  key: true,
  label: true,
  group: true,
  parent: true,
  origin: true,
  engine: true,
  actor: isFlag,
  paused: isFlag,
  gaveUp: isFlag,
  parked: isFlag,
  ready: isFlag,
  requested: isRequest,
  successful: isFlag,
  superseded: isFlag,
  since: true,
  until: true,
  endedBefore: true,
  text: true,
}
const FILTER: OptionNames<ListFilter> = { ...BULK, limit: true, after: true }
const REQUESTS = ['pause', 'kill']
const STATES: readonly string[] = Object.values(ProcessState)

/**
 * @throws TypeError for an unknown condition, or a value of another type
 * @throws RangeError for a state that does not exist
 */
export function checkFilter(filter: ListFilter): void {
  checkOptions(filter, FILTER, 'list')
  checkConditions(filter, 'list')
}

/**
 * Checks a filter that decides what is paused, killed or deleted. A condition that is undefined
 * would match every process.
 *
 * @throws as `checkFilter`, and TypeError for a condition that is undefined
 */
export function checkBulkFilter(filter: BulkFilter, where: string): void {
  checkOptions(filter, BULK, where)
  for (const [name, value] of Object.entries(filter)) {
    if (value === undefined)
      throw new TypeError(
        `${where}: ${name} is undefined: leave it out to reach every process, or give it a value`,
      )
  }
  checkConditions(filter, where)
}

function checkConditions(
  {
    state,
    className,
    key,
    label,
    group,
    parent,
    origin,
    engine,
    since,
    until,
    endedBefore,
    text,
  }: BulkFilter,
  where: string,
): void {
  if (state !== undefined) for (const one of [state].flat()) checkState(one, where)
  if (className !== undefined) checkText(`${where}: className`, className)
  if (key !== undefined) checkText(`${where}: key`, key)
  if (label !== undefined) checkText(`${where}: label`, label, { empty: true })
  if (group !== undefined) checkText(`${where}: group`, group)
  if (parent !== undefined) checkText(`${where}: parent`, parent)
  if (origin !== undefined) checkText(`${where}: origin`, origin)
  if (engine !== undefined) checkText(`${where}: engine`, engine)
  if (text !== undefined) checkText(`${where}: text`, text, { empty: true })
  for (const [name, time] of Object.entries({ since, until, endedBefore })) {
    if (time !== undefined && (typeof time !== 'number' || Number.isNaN(time)))
      throw new TypeError(`${where}: ${name} takes wall-clock milliseconds, not ${String(time)}`)
  }
}

function isRequest(what: string, value: unknown): void {
  if (!REQUESTS.includes(String(value)))
    throw new RangeError(`${what} takes ${REQUESTS.map((one) => JSON.stringify(one)).join(' or ')}`)
}

function checkState(state: unknown, where: string): void {
  if (STATES.includes(String(state))) return
  throw new RangeError(
    `${where}: there is no state ${JSON.stringify(state)}${suggestion(String(state), STATES)}`,
  )
}

const DEFAULT_LIMIT = 50
const LARGEST_LIMIT = 1_000

/** The process behind which a page begins, newest first. */
export interface PageCursor {
  readonly createdAt: number
  readonly id: number
}

/** @throws RangeError for a limit that is not a whole number from 1 to 1000 */
export function limitOf(filter: ListFilter): number {
  const limit = filter.limit ?? DEFAULT_LIMIT
  if (!Number.isInteger(limit) || limit < 1 || limit > LARGEST_LIMIT) {
    throw new RangeError(`limit is ${limit}: give a whole number from 1 to ${LARGEST_LIMIT}`)
  }
  return limit
}

/** @throws RangeError for an `after` that is not the `next` of a page */
export function cursorOf(filter: ListFilter): PageCursor | undefined {
  if (filter.after === undefined) return undefined
  const match = /^(-?\d+):(\d+)$/.exec(filter.after)
  if (match === null)
    throw new RangeError(`after is ${JSON.stringify(filter.after)}: give the \`next\` of a page`)
  return { createdAt: Number(match[1]), id: Number(match[2]) }
}

/** The page of these rows. One row more than the limit shows that there is a next page. */
export function pageOf(rows: readonly Row[], limit: number): ProcessPage {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return {
    rows: shown.map(processRow),
    next: rows.length > limit && last !== undefined ? `${last.created_at}:${last.id}` : undefined,
  }
}

/** The states that a filter matches; undefined for all. */
export function statesOf(filter: ListFilter): readonly ProcessState[] | undefined {
  if (filter.state === undefined) return undefined
  return typeof filter.state === 'string' ? [filter.state] : [...new Set(filter.state)]
}

/** Orders newest first; of rows of the same time, the one that was stored last. */
export function newestFirst(a: Row, b: Row): number {
  return b.created_at - a.created_at || b.id - a.id
}

export function noCounts(): Record<ProcessState, number> {
  return Object.fromEntries(Object.values(ProcessState).map((state) => [state, 0])) as Record<
    ProcessState,
    number
  >
}
