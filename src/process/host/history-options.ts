import { checkOptions, isCount, type OptionNames } from '../../shared/options.ts'

/** Which events of a history to read. By default, all of them. */
export interface HistoryOptions {
  /** Only events after the one with this number (`EventRecord.n`). */
  readonly after?: number | undefined
  /** The largest number of events. The oldest of them are read. */
  readonly limit?: number | undefined
  /** Only this many of the newest events. Not together with `after` or `limit`. */
  readonly last?: number | undefined
}

const OPTIONS: OptionNames<HistoryOptions> = {
  after: isNumberOfEvent,
  limit: isCount,
  last: isCount,
}

function isNumberOfEvent(what: string, value: unknown): void {
  if (!Number.isInteger(value) || (value as number) < 0)
    throw new RangeError(`${what} takes the \`n\` of an event, or 0, not ${String(value)}`)
}

/** @throws TypeError or RangeError for invalid options */
export function checkHistoryOptions(options: HistoryOptions): void {
  checkOptions(options, OPTIONS, 'history')
  if (options.last !== undefined && (options.after !== undefined || options.limit !== undefined))
    throw new TypeError('history: `last` reads from the end, so give no `after` and no `limit` with it')
}

/** The events that the options select. */
export function selectEvents<T>(
  events: readonly T[],
  { after = 0, limit, last }: HistoryOptions,
): readonly T[] {
  if (last !== undefined) return events.slice(-last)
  return events.slice(after, limit === undefined ? undefined : after + limit)
}
