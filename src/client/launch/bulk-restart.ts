import type { Control } from '../../persistence/contract/control.ts'
import { statesOf, type BulkFilter } from '../../persistence/rules/paging.ts'
import { isTerminal } from '../../process/state/machine.ts'
import type { ProcessState } from '../../process/state/process-state.ts'
import { GroupError, ProcessError } from '../../shared/errors.ts'
import type { BulkWrites } from '../write/bulk.ts'
import { begunAgain } from '../read/successors.ts'
import type { Restarter } from './restarter.ts'

/** The states in which a process has failed. One that was killed was ended on purpose. */
const FAILED: readonly ProcessState[] = ['excepted', 'finished']

/**
 * Restarts the processes that match a filter and ended without success, newest first. Resolves to
 * their number. Leaves out:
 *
 * - a process whose work was begun again before (the filter `superseded`), so that a second call begins nothing twice
 * - a child whose parent is restarted too, since that restarts the failed children that it needs
 *
 * @throws GroupError once all were tried, where some could not be restarted
 */
export async function restartAll(
  store: Control,
  bulk: BulkWrites,
  restarter: Restarter,
  filter: BulkFilter,
): Promise<number> {
  // No process that succeeded is restarted.
  if (filter.successful === true) return 0
  const parents = new Map<string, string | null>()
  const state = (statesOf(filter) ?? FAILED).filter((one) => isTerminal(one))
  await bulk.eachPage({ ...filter, state, successful: false, superseded: false }, (rows) => {
    for (const { pid, parent, abandoned } of rows) parents.set(pid, abandoned ? null : parent)
  })
  let restarted = 0
  const errors: ProcessError[] = []
  for (const [pid, parent] of parents) {
    if (parent !== null && parents.has(parent)) continue
    if ((await begunAgain(store, pid)).length > 0) continue
    try {
      await restarter.restart(pid)
      restarted++
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause)
      errors.push(new ProcessError(pid, message, { cause }))
    }
  }
  if (errors.length > 0) throw new GroupError(errors)
  return restarted
}
