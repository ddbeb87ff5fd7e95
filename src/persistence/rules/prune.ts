import type { Outcome } from '../contract/outcomes.ts'
import type { BriefRow } from './row.ts'

/**
 * Allows the deletion of a process only after its end, and not before the end of its parent: a step
 * of the parent that runs again would launch a second child (C2). Also refuses it while a process
 * that has not started needs it, or one that has not ended awaits it; `needing` is the pid of such
 * a process.
 */
export function prune(
  row: BriefRow,
  parent: BriefRow | undefined,
  needing: () => string | undefined,
): Outcome {
  if (parent !== undefined && parent.ended_at === null) {
    const reason = `process ${row.pid} is a child of ${parent.pid}, which has not ended and may still need it`
    return { status: 'conflict', pid: row.pid, reason }
  }
  if (row.ended_at !== null) {
    const other = needing()
    if (other === undefined) return { status: 'done', pid: row.pid }
    const reason = `process ${row.pid} is needed by the process ${other}, which has not taken its value yet: it is pruned after that`
    return { status: 'conflict', pid: row.pid, reason }
  }
  return {
    status: 'conflict',
    pid: row.pid,
    reason: `process ${row.pid} is ${row.state}: only what has ended is pruned`,
  }
}
