import type { Settled } from '../host/process-handle.ts'

/*
 * The items of a group whose processes are chunks: each runs several items, and its result is the list
 * of their results.
 */

/** The number of items of each process, in the order of the group; null for one that is not a chunk. */
export type Items = readonly (number | null)[]

/** The number of all items. */
export function countOf(items: Items): number {
  let sum = 0
  for (const count of items) sum += count ?? 1
  return sum
}

/** The position of the process that runs an item; undefined if there is no such item. */
export function processOf(items: Items, item: number): number | undefined {
  let left = item < 0 ? countOf(items) + item : item
  if (left < 0) return undefined
  for (const [position, count] of items.entries()) {
    if (left < (count ?? 1)) return position
    left -= count ?? 1
  }
  return undefined
}

/**
 * The positions of the processes that run the items from `start` up to `end`.
 *
 * @throws RangeError for a part of a chunk
 */
export function processesOf(items: Items, start = 0, end?: number): readonly [from: number, to: number] {
  const all = countOf(items)
  const first = bounded(start, all)
  const last = Math.max(first, bounded(end ?? all, all))
  return first === last ? [0, 0] : [boundary(items, first), boundary(items, last)]
}

function bounded(index: number, all: number): number {
  return index < 0 ? Math.max(0, all + index) : Math.min(index, all)
}

/** The number of processes before this item, which is the first of its chunk or the end. */
function boundary(items: Items, item: number): number {
  let before = 0
  for (const [position, count] of items.entries()) {
    if (before === item) return position
    const next = before + (count ?? 1)
    if (next > item)
      throw new RangeError(
        `slice: item ${item} is within a chunk, which is one process: slice at ${before} or ${next}`,
      )
    before = next
  }
  return items.length
}

/** The outcomes of the items of a chunk: one for each, or the one failure of the chunk. */
export function outcomesOfItems<R>(chunk: Settled<unknown>): Settled<R>[] {
  if (chunk.status === 'rejected') return [chunk]
  return (chunk.value as R[]).map((value) => ({ ...chunk, value }))
}
