import { isReady, type Row } from './row.ts'
import type { Change, Create, Outcome } from './store.ts'

/** The answer where pid or key is in use: the same class and raw inputs are the same launch. */
export function createdBefore(
  existing: Row,
  inputs: string | undefined,
  write: Create,
  inThisBatch: boolean,
): Outcome {
  const what = existing.pid === write.pid ? `pid ${write.pid}` : `key ${JSON.stringify(write.key)}`
  const conflict = (reason: string): Outcome => ({ status: 'conflict', pid: existing.pid, reason })
  if (existing.class !== write.className) {
    return conflict(`${what} belongs to a process of class ${existing.class}, not ${write.className}`)
  }
  if (inputs !== write.parts['inputs']) {
    return conflict(`${what} belongs to a process of class ${existing.class} with other inputs`)
  }
  return { status: 'done', pid: existing.pid, existed: inThisBatch || !isRepeated(existing, write) }
}

/** Whether the row is what this very write made, its acknowledgement lost: who claimed it with that still holds it. */
function isRepeated(existing: Row, write: Create): boolean {
  return (
    existing.pid === write.pid &&
    existing.created_at === Math.round(write.createdAt) &&
    existing.parent === write.parent &&
    existing.key === write.key &&
    (write.claim === null ||
      (existing.runner === write.claim && existing.fence === 1 && existing.seq === write.seq))
  )
}

/** Why a child can't be created, if it can't: its parent has to live, and to be held by who launches it (C4). */
export function mayCreate(write: Create, parent: Row | null | undefined): Outcome | undefined {
  if (write.parent === null || parent === null) return undefined
  if (parent === undefined) return { status: 'missing' }
  if (parent.ended_at !== null) return { status: 'ended', state: parent.state }
  if (write.parentFence !== null && (parent.owner === null || parent.fence !== write.parentFence)) {
    return { status: 'fenced' }
  }
  if (parent.kill_deadline !== null) return { status: 'ended', state: 'killed' }
  return undefined
}

export function changeOf(row: Row, name: string, data: string | null, at: number): Change {
  return { pid: row.pid, name, data, at, state: row.state, paused: row.paused === 1, ready: isReady(row, at) }
}
