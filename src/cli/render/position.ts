import type { StoredProcess } from '../../persistence/contract/rows.ts'
import { parseState } from '../../process/state/saved-state.ts'
import { placeOf } from '../../process/state/state-data.ts'

/** The step of a place: `relax` of `2.while(notConverged)#7.relax`. Where a class has no outline, the place is the step. */
export function stepIn(place: string): string {
  return place.slice(place.lastIndexOf('.') + 1)
}

/** The rounds of the loops that a place is in, the outermost first: `round 7 of while(notConverged)`. */
export function roundsIn(place: string): string[] {
  return Array.from(
    place.matchAll(/(while\([^)]*\))#(\d+)/g),
    ([, loop, round]) => `round ${round} of ${loop}`,
  )
}

/** Where a process that ended unsuccessfully was before; null where that is not known, as for every other. */
export function positionBefore(stored: StoredProcess): string | null {
  try {
    return placeOf(parseState(stored.before() ?? ''))
  } catch {
    // A damaged state has no position.
    return null
  }
}
