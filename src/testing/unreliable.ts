import type { Outcome } from '../persistence/contract/outcomes.ts'
import type { Store } from '../persistence/contract/store.ts'
import { PersistenceError } from '../shared/errors.ts'
import { intercept } from './intercept.ts'
import { setImmediate } from '../shared/timers.ts'

/** How unreliable a store is. */
export interface Unreliability {
  /** The same seed gives the same failures. */
  readonly seed: number
  /**
   * The share of commits that are applied but still reject, since their acknowledgement is lost.
   * Default 0.1.
   */
  readonly lost?: number | undefined
  /** The share of commits that reject without being applied. Default 0.05. */
  readonly failed?: number | undefined
  /**
   * The share of single writes that are refused while the others of their commit are applied.
   * Default 0.
   */
  readonly refused?: number | undefined
  /**
   * The share of commits and of acknowledgements delayed by some turns of the event loop. Default
   * 0.5.
   */
  readonly delayed?: number | undefined
}

/**
 * Returns a store on an unreliable connection: commits are late, fail, or are applied without an
 * acknowledgement. No data is damaged.
 */
export function unreliable(store: Store, options: Unreliability): Store {
  const { seed, lost = 0.1, failed = 0.05, refused = 0, delayed = 0.5 } = options
  const random = randomOf(seed)
  const maybeLate = async (): Promise<void> => {
    if (random() >= delayed) return
    for (let turns = 1 + Math.floor(random() * 5); turns > 0; turns--) {
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return intercept(store, (commit) => async (writes): Promise<readonly Outcome[]> => {
    await maybeLate()
    if (random() < failed)
      throw new PersistenceError('the commit failed (as the test requested), and nothing was written')
    const kept = writes.map((write) => (random() < refused ? undefined : write))
    const answers = [...(await commit(kept.filter((write) => write !== undefined)))].values()
    const outcomes = kept.map((write) => (write === undefined ? REFUSED : (answers.next().value as Outcome)))
    await maybeLate()
    if (random() < lost)
      throw new PersistenceError('the acknowledgement of a commit was lost (as the test requested)')
    return outcomes
  })
}

const REFUSED: Outcome = {
  status: 'refused',
  error: new PersistenceError('the write was refused (as the test requested), and the others were not'),
}

/**
 * Returns a generator of numbers from 0 to 1 (mulberry32). The same seed gives the same numbers.
 */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
