/** Returns the step of a position: `relax` of `2.while(notConverged)#7.relax`. Without an outline the position is the step. */
export function stepIn(position: string): string {
  return position.slice(position.lastIndexOf('.') + 1)
}

/** Returns the rounds of the loops around a position, outermost first: `round 7 of while(notConverged)`. */
export function roundsIn(position: string): string[] {
  return Array.from(
    position.matchAll(/(while\([^)]*\))#(\d+)/g),
    ([, loop, round]) => `round ${round} of ${loop}`,
  )
}
