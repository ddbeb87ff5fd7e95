import { LARGEST_HISTORY_PAGE, type HistoryRange } from '../contract/control.ts'

/** @throws RangeError for a number that is not whole or not in its range */
export function checkRange({ after, before, limit = LARGEST_HISTORY_PAGE }: HistoryRange): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > LARGEST_HISTORY_PAGE)
    throw new RangeError(`limit is ${limit}: give a whole number from 1 to ${LARGEST_HISTORY_PAGE}`)
  for (const [name, n] of Object.entries({ after, before })) {
    if (n !== undefined && n !== Number.POSITIVE_INFINITY && (!Number.isInteger(n) || n < 0))
      throw new RangeError(`${name} is ${n}: give the \`n\` of an entry, or a whole number from 0 on`)
  }
}

/**
 * Where a page of a history begins, and how many entries it has at most. `total` returns the number
 * of entries of the history; only a range from its end asks for that.
 */
export function rangeOf(
  { after, before, limit = LARGEST_HISTORY_PAGE }: HistoryRange,
  total: () => number,
): { readonly after: number; readonly count: number } {
  if (before === undefined) return { after: after ?? 0, count: limit }
  const last = Math.min(before - 1, total())
  const first = Math.max(after ?? 0, after === undefined ? last - limit : 0)
  return { after: first, count: Math.max(0, Math.min(limit, last - first)) }
}
