import type { Store } from '../persistence/contract/store.ts'
import { isReached, type CrashPoint } from './crash-point.ts'
import { intercept } from './intercept.ts'

/**
 * A store whose program kills itself with SIGKILL at a commit: nothing is flushed, no handler runs. Open the file again in
 * another program to see what goes on from there; `TestBench.crashAt` does it all in one program.
 *
 * @throws RangeError for a point that there is not
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
