import type { Control } from '../../persistence/contract/control.ts'
import type { ProcessRow } from '../../persistence/contract/rows.ts'
import { statesOf, type BulkFilter } from '../../persistence/rules/paging.ts'
import { isTerminal } from '../../process/state/machine.ts'
import type { ProcessState } from '../../process/state/process-state.ts'
import { GroupError, ProcessError } from '../../shared/errors.ts'
import type { BulkWrites } from '../write/bulk.ts'
import { successorRows } from '../read/successors.ts'
import type { Restarter } from './restarter.ts'

/** The states in which a process has failed. One that was killed was ended on purpose. */
const FAILED: readonly ProcessState[] = ['excepted', 'finished']

/**
 * The processes that match a filter and ended without success, newest first. Leaves out:
 *
 * - a superseded process (the filter `superseded`), so that a second call begins nothing twice
 * - a process with an ancestor that is begun again too, since the ancestor launches or restarts the
 *   descendants that it needs
 */
export async function restartable(
  store: Control,
  bulk: BulkWrites,
  filter: BulkFilter,
): Promise<readonly ProcessRow[]> {
  // No process that succeeded is restarted.
  if (filter.successful === true) return []
  const found = new Map<string, ProcessRow>()
  const state = (statesOf(filter) ?? FAILED).filter((one) => isTerminal(one))
  await bulk.eachPage({ ...filter, state, successful: false, superseded: false }, (rows) => {
    for (const row of rows) found.set(row.pid, row)
  })
  const below = await belowOthers(store, found)
  return [...found.values()].filter(({ pid }) => !below.has(pid))
}

/** The pids of those that are descendants of others of them, not below an abandoned process. */
async function belowOthers(
  store: Control,
  found: ReadonlyMap<string, ProcessRow>,
): Promise<ReadonlySet<string>> {
  const below = new Set<string>()
  const ancestors = new Map<string, ProcessRow | undefined>()
  for (const row of found.values()) {
    let at: ProcessRow | undefined = row
    while (at !== undefined && at.parent !== null && !at.abandoned) {
      const { parent } = at
      if (found.has(parent)) {
        below.add(row.pid)
        break
      }
      if (!ancestors.has(parent)) ancestors.set(parent, await store.read(parent))
      at = ancestors.get(parent)
    }
  }
  return below
}

/**
 * Restarts the processes that `restartable` returns. Resolves to their number.
 *
 * @throws GroupError after trying all of them, if some could not be restarted
 */
export async function restartAll(
  store: Control,
  bulk: BulkWrites,
  restarter: Restarter,
  filter: BulkFilter,
): Promise<number> {
  let restarted = 0
  const errors: ProcessError[] = []
  for (const { pid } of await restartable(store, bulk, filter)) {
    // A parent that was restarted meanwhile may have restarted it.
    if ((await successorRows(store, pid)).length > 0) continue
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
