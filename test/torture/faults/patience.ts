import { setTimeout as later } from 'node:timers/promises'

const TURN = 50

/**
 * Waits until something is so, or for so many milliseconds at most. Time in which this program got nothing done does not count, as other
 * programs got none either. Gives whether it is so.
 */
export async function within(ms: number, isSo: () => boolean): Promise<boolean> {
  let at = performance.now()
  for (let waited = 0; waited < ms && !isSo();) {
    await later(TURN)
    const now = performance.now()
    waited += Math.min(now - at, 2 * TURN)
    at = now
  }
  return isSo()
}
