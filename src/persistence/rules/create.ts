import { isTerminal } from '../../process/state/machine.ts'
import { CREATED_STATE } from '../../process/state/saved-state.ts'
import { dueAt, isReady, type BriefRow, type Row } from './row.ts'
import { entry, type Entry, type RuleContext } from './decision.ts'
import type { Done, Outcome } from '../contract/outcomes.ts'
import type { Change } from '../contract/rows.ts'
import type { Adoption, Create } from '../contract/writes.ts'
import { beginWait, earliest, readyAt, wholeMilliseconds } from './waits.ts'

/** A new process, as it is to be stored. */
export interface NewRow {
  readonly outcome: Done
  readonly row: Row
  readonly awaits: readonly string[]
  readonly history: readonly Entry[]
}

/** A process begins (C2), paused where its parent is or is about to be (C7). */
export function newRow(
  write: Create,
  parent: BriefRow | null | undefined,
  context: Pick<RuleContext, 'now' | 'unended'>,
): NewRow {
  const row = initialRow(write, context.now)
  const history: Entry[] = write.history.map((entry) => ({ ...entry, by: write.claim }))
  const waits = row.state === 'waiting'
  const awaits = waits ? beginWait(row, write.wait, context) : []
  // What is abandoned is not reached by a pause, and would not be by the play.
  const reached = row.ended_at === null && row.abandoned === 0
  const isPaused = reached && parent != null && (parent.paused === 1 || parent.pause_asked === 1)
  if (isPaused) {
    row.paused = 1
    row.pause_message = parent.pause_message
    history.push(entry('paused', write.claim, { message: row.pause_message ?? undefined }))
  }
  if (waits || isPaused) row.owner = null
  if (row.owner === null && row.ended_at === null) {
    const soonest = Math.max(context.now, wholeMilliseconds(write.readyAt) ?? context.now)
    row.ready_at = waits
      ? readyAt(row, { now: context.now, hasMessage: () => false }, () => awaits.length > 0)
      : earliest(soonest, row.deadline)
  }
  return { outcome: createdOutcome(row, write), row, awaits, history }
}

/** The answer to who made it. */
function createdOutcome(row: Row, write: Create): Done {
  const isPaused = row.paused === 1 && row.owner === null
  const isReleased = row.owner === null && (write.claim !== null || isPaused)
  return {
    status: 'done',
    pid: row.pid,
    existed: false,
    ...(isPaused && { pause: { message: row.pause_message } }),
    ...(isReleased && { released: true }),
  }
}

function initialRow(write: Create, now: number): Row {
  const { ending, state } = write
  const ended = isTerminal(state)
  return {
    // Given when it is stored.
    id: 0,
    pid: write.pid,
    class: write.className,
    version: write.version,
    state,
    step: write.step,
    status: write.status,
    paused: 0,
    pause_asked: 0,
    pause_message: null,
    parked: null,
    parent: write.parent,
    key: write.key,
    label: write.label,
    seq: write.seq,
    // Also where nobody holds it from the start: whoever made it under a claim is fenced by the next one (C4).
    fence: write.claim === null ? 0 : 1,
    owner: ended ? null : write.claim,
    runner: write.claim,
    crashes: 0,
    alone: 0,
    created_at: Math.round(write.createdAt),
    updated_at: now,
    ended_at: ended ? now : null,
    successful: ended ? Number(ending?.successful ?? false) : null,
    exit_code: ending?.exitCode?.code ?? null,
    exit_label: ending?.exitCode?.label ?? null,
    exit_message: ending?.exitCode?.message ?? null,
    message: ending?.message ?? null,
    kill_deadline: null,
    kill_message: null,
    kill_state: null,
    ready_at: null,
    played: 0,
    last_wake: null,
    last_request: null,
    resumable: 0,
    receives: null,
    due_at: null,
    awaits: null,
    in_step: 0,
    attempt: 1,
    deadline: wholeMilliseconds(write.deadline),
    abandoned: Number(write.abandoned ?? false),
    origin: write.origin?.pid ?? null,
    origin_kind: write.origin?.kind ?? null,
    records: 0,
    data: write.parts['state'] ?? '{}',
    // One that failed before it was ever saved is restarted from the beginning.
    before: ended && ending?.dropCheckpoint !== true ? CREATED_STATE : null,
  }
}

/** The answer where pid or key is in use: the same class and raw inputs are the same launch. */
export function existingOutcome(
  existing: Row,
  inputs: string | undefined,
  write: Create,
  inThisBatch: boolean,
): Outcome {
  const what = existing.pid === write.pid ? `pid ${write.pid}` : `key ${JSON.stringify(write.key)}`
  const conflict = (reason: string): Outcome => ({ status: 'conflict', pid: existing.pid, reason })
  if (write.onlyOwn === true && existing.pid === write.pid && existing.parent !== write.parent) {
    return conflict(`${what} belongs to a process that is no child of ${write.parent}`)
  }
  if (existing.class !== write.className) {
    return conflict(`${what} belongs to a process of class ${existing.class}, not ${write.className}`)
  }
  if (inputs !== write.parts['inputs']) {
    return conflict(`${what} belongs to a process of class ${existing.class} with other inputs`)
  }
  if (inThisBatch || !isRepeated(existing, write)) return { status: 'done', pid: existing.pid, existed: true }
  return createdOutcome(existing, write)
}

/** Whether the row is what this very write made, its acknowledgement lost, and nothing has come of it since. */
function isRepeated(existing: Row, write: Create): boolean {
  return (
    existing.pid === write.pid &&
    existing.created_at === Math.round(write.createdAt) &&
    existing.parent === write.parent &&
    existing.key === write.key &&
    (write.claim === null || isUntouched(existing, write, write.claim))
  )
}

/**
 * Whether the process is as it was born under a claim, which is still held, or never was: a child that has left memory in its first step may be
 * launched again by the same engine, at the same time, and must not be run by it under the claim that it has given back.
 */
function isUntouched(row: Row, write: Create, claim: string): boolean {
  const held = row.owner === claim || row.paused === 1 || row.ended_at !== null
  return row.runner === claim && row.fence === 1 && row.seq === write.seq && row.records === 0 && held
}

/** Why a child can't be created, if it can't: its parent has to live, and to be held by who launches it (C4). */
export function creationRefusal(write: Create, parent: BriefRow | null | undefined): Outcome | undefined {
  if (write.parent === null || parent === null) return undefined
  // One that is begun again together with its parent comes before it, so that the parent waits for it.
  if (parent === undefined) return write.origin == null ? { status: 'missing' } : undefined
  if (parent.ended_at !== null) return { status: 'ended', state: parent.state }
  if (write.parentFence !== null && (parent.owner === null || parent.fence !== write.parentFence)) {
    return { status: 'fenced' }
  }
  if (parent.kill_deadline !== null) return { status: 'ended', state: 'killed' }
  return undefined
}

/** Why a restart can't take over what it is to, if it can't: another one has, or it has ended (C1). */
export function adoptionRefusal(
  { adopts = [] }: Create,
  brief: (pid: string) => BriefRow | undefined,
): Outcome | undefined {
  const isLeft = ({ pid, from }: Adoption): boolean => {
    const row = brief(pid)
    return row?.parent === from && row.ended_at === null && row.kill_deadline === null
  }
  return adopts.every(isLeft) ? undefined : { status: 'fenced' }
}

export function changeOf(row: BriefRow, name: string, data: string | null, at: number): Change {
  return {
    pid: row.pid,
    name,
    data,
    at,
    state: row.state,
    paused: row.paused === 1,
    ready: isReady(row, at),
    dueAt: dueAt(row, at),
  }
}
