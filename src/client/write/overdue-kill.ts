import type { ProcessRow } from '../../persistence/contract/rows.ts'
import { killedStateText } from '../../process/state/saved-state.ts'
import type { GroupCommit } from './group-commit.ts'

/**
 * Ends a process whose stored kill is overdue: any client or engine that sees one does so (C7). Returns
 * whether the row has to be read again. If the store can't be written, the kill is left to the next reader.
 */
export async function enforceIfOverdue(
  { pid, killRequested }: ProcessRow,
  now: number,
  commits: GroupCommit,
): Promise<boolean> {
  if (killRequested === null || killRequested.deadline > now) return false
  try {
    await enforceOverdueKill(pid, killRequested.message, commits)
    return true
  } catch {
    return false
  }
}

/** Ends a process whose stored kill is overdue. The store refuses the write if no such kill is stored. */
export async function enforceOverdueKill(
  pid: string,
  message: string | null,
  commits: GroupCommit,
): Promise<void> {
  await commits.write({ kind: 'enforce', pid, killedState: killedStateText(message) })
}
