import type { Store } from '../persistence/store.ts'
import { intercept } from './intercept.ts'

/** A point of a program's life at which it is to crash. */
export interface CrashPoint {
  /** Which of the program's commits, counted from 1. */
  readonly commit: number
  /** Before the commit begins, or when it is durable and nobody has been told. */
  readonly when: 'before' | 'after'
}

/**
 * A store whose program kills itself with SIGKILL at a commit: nothing is flushed, no handler runs. Open the file again in
 * another program to see what goes on from there.
 */
export function crashAt(store: Store, { commit: number, when }: CrashPoint): Store {
  let commits = 0
  return intercept(store, (commit) => async (writes) => {
    const due = ++commits === number
    if (due && when === 'before') await crash()
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
