import type { Outcome } from '../../persistence/contract/outcomes.ts'
import type { ProcessRow } from '../../persistence/contract/rows.ts'
import type { Write } from '../../persistence/contract/writes.ts'
import { killedStateText } from '../../process/state/saved-state.ts'

/**
 * Ends a process whose kill is stored and whose time to end is up, since whoever sees that does it (C7). Returns whether the process has to
 * be read again. A store that can't write now can still be read: the kill is left to the next look.
 */
export async function enforceDue(
  { pid, killRequested }: ProcessRow,
  now: number,
  write: (write: Write) => Promise<Outcome>,
): Promise<boolean> {
  if (killRequested === null || killRequested.deadline > now) return false
  try {
    await write({ kind: 'enforce', pid, killedState: killedStateText(killRequested.message) })
    return true
  } catch {
    return false
  }
}
