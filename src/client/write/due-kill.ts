import type { Outcome } from '../../persistence/contract/outcomes.ts'
import type { ProcessRow } from '../../persistence/contract/rows.ts'
import type { Write } from '../../persistence/contract/writes.ts'

/** Ends a process whose kill is stored and whose time to end is up, since whoever sees that does it (C7). Whether there was one. */
export async function enforceDue(
  { pid, killRequested }: ProcessRow,
  now: number,
  write: (write: Write) => Promise<Outcome>,
): Promise<boolean> {
  if (killRequested === null || killRequested.deadline > now) return false
  await write({ kind: 'enforce', pid, killedState: killedState(killRequested.message) })
  return true
}

/** The `state` part of a process that is killed from the file, with nobody running it. Plain JSON, so no codec is needed. */
export function killedState(message: string | null): string {
  return JSON.stringify({ label: 'killed', ...(message !== null && { message }) })
}
