import type { Edit } from '../contract/writes.ts'
import { type Decision, type Entry, type RuleContext, unchanged } from './decision.ts'
import type { Row } from './row.ts'
import { takeBack } from './transitions.ts'

/**
 * Changes saved values of a process that no engine holds (C3). The edit applies only to the row
 * from which it was made, so that it overwrites nothing that was saved meanwhile. It raises the
 * fence: an engine that still has the launched process in memory reads it anew (C4).
 */
export function edit(row: Row, write: Edit, context: RuleContext): Decision {
  if (row.last_request === write.id) return unchanged({ status: 'done', pid: row.pid })
  if (row.ended_at !== null) return unchanged({ status: 'ended', state: row.state })
  if (row.fence !== write.fence || row.seq !== write.seq) return unchanged({ status: 'fenced' })
  const history: Entry[] = []
  if (row.owner !== null) {
    if (context.alive(row.owner))
      return unchanged({ status: 'conflict', pid: row.pid, reason: heldText(row) })
    // A process of a dead engine is taken back first, as for any request.
    history.push(...takeBack(row, context))
    if (row.ended_at !== null) return { outcome: { status: 'ended', state: row.state }, row, history }
  }
  row.fence++
  row.data = write.parts['state'] ?? row.data
  row.last_request = write.id
  history.push(...write.history.map((entry) => ({ ...entry, by: write.by })))
  return { outcome: { status: 'done', pid: row.pid }, row, history }
}

/** Why a process that an engine holds is not edited. */
function heldText({ pid, state, step, in_step, paused, pause_asked, owner }: Row): string {
  const inStep = step === null ? '' : ` step ${step}`
  if (state === 'waiting' && in_step === 1) {
    return (
      `process ${pid} waits within its${inStep}, which engine ${owner} holds in memory with its present values: ` +
      `${paused === 1 ? 'it is paused there, so' : 'pause it and'} stop that engine, or edit it after the step`
    )
  }
  if (pause_asked === 1) return `process ${pid} still runs${inStep}; edit it once the pause has taken effect`
  return `process ${pid} runs${inStep}: pause it first, edit it once the step has ended, and then play it`
}
