import type { BaseHandle } from '../handle/base-handle.ts'
import type { ReturnWhen } from '../host/process-group.ts'
import { isCount, shown } from '../../shared/options.ts'

const TEXTS: readonly ReturnWhen[] = ['all', 'first-completed', 'first-failure']

/**
 * @throws TypeError for anything but a `ReturnWhen`, RangeError for a number that is not from 1 to
 *   the number of processes
 */
export function checkReturnWhen(given: ReturnWhen, size: number): void {
  if (TEXTS.includes(given)) return
  if (typeof given !== 'number')
    throw new TypeError(
      `group.wait: returnWhen is ${TEXTS.map((text) => `'${text}'`).join(', ')} or a number, not ${shown(given)}`,
    )
  isCount('group.wait: returnWhen', given)
  if (given > size)
    throw new RangeError(
      `group.wait: returnWhen is ${given}, but the group has ${size} different ${size === 1 ? 'process' : 'processes'}`,
    )
}

/** Returns the function that decides, called with each process that ends, whether enough have ended. */
export function enough(returnWhen: ReturnWhen): (ended: BaseHandle) => boolean {
  if (returnWhen === 'all') return () => false
  if (returnWhen === 'first-failure') return (ended) => ended.exception() !== null
  let left = returnWhen === 'first-completed' ? 1 : returnWhen
  return () => --left === 0
}
