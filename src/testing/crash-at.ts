import type { Store } from '../persistence/contract/store.ts'
import { isReached, type CrashPoint } from './crash-point.ts'
import { intercept } from './intercept.ts'

/**
 * Returns a store that kills its program with SIGKILL at a commit: nothing is flushed, and no
 * handler runs. Open the file in another program to see how the processes continue.
 * `TestBench.crashAt` does both in one program.
 *
 * @throws RangeError for an invalid point
 */
export function crashAt(store: Store, point: CrashPoint): Store {
  const isDue = isReached(point)
  return intercept(store, (commit) => async (writes) => {
    const due = isDue(writes)
    if (due && point.when === 'before') await crash()
    const outcomes = await commit(writes)
    if (due) await crash()
    return outcomes
  })
}

/** Never resolves. */
function crash(): Promise<never> {
  process.kill(process.pid, 'SIGKILL')
  return new Promise(() => {})
}
