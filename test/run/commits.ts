import { extent } from './extent.ts'
import { hunted } from './seed.ts'

/** Of so many commits in a row, `some` has one, which the seed says. */
const SHARE = 16
/** Counted from that one, `more` has one of so many. */
const MORE = 4
/** Of the first ones it is one of these, which every scenario makes; `more` has the others of these. */
const FIRST = 2

/** Whether a test that crashes at each commit in turn, counted from 1, does that at this one today. */
export function crashesAt(commit: number, test: string): boolean {
  if (extent === 'all') return true
  const [row, place] = [Math.floor((commit - 1) / SHARE), (commit - 1) % SHARE]
  const taken = hash(`${test} ${row} ${hunted ?? ''}`) % (row === 0 ? FIRST : SHARE)
  if (extent === 'some' || place === taken) return extent === 'some' && place === taken
  return place % MORE === taken % MORE || (row === 0 && place < FIRST)
}

/** Whether its program dies before a commit or after it, in a test that does both in turn: `some` has one of them, which the seed says. */
export function sidesOf(test: string): readonly ('before' | 'after')[] {
  const sides = ['before', 'after'] as const
  return extent === 'some' ? sides.filter((_, side) => hash(`${test} ${hunted ?? ''}`) % 2 === side) : sides
}

/** FNV-1a. */
function hash(text: string): number {
  let state = 0x811c9dc5
  for (const char of text) state = Math.imul(state ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0
  return state
}
