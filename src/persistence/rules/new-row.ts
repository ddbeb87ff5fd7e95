import { isTerminal } from '../../process/state/machine.ts'
import type { LogEntry } from '../../process/state/report.ts'
import { CREATED_STATE } from '../../process/state/saved-state.ts'
import type { BriefRow, Row } from './row.ts'
import { entry, type Awaited, type Entry, type RuleContext } from './decision.ts'
import type { Done, Outcome } from '../contract/outcomes.ts'
import type { Adoption, Create } from '../contract/writes.ts'
import { takeReport } from './report.ts'
import { needEntries, type Ends, type NeedEntry } from './upstream.ts'
import { beginWait, earliest, isLeft, readyAt, wholeMilliseconds } from './waits.ts'

/** A new process, ready to be stored. */
export interface NewRow {
  readonly outcome: Done
  readonly row: Row
  readonly awaits: readonly Awaited[]
  readonly needs: readonly NeedEntry[]
  readonly history: readonly Entry[]
  /** The entries of its log; undefined if it has reported nothing. */
  readonly log: readonly LogEntry[] | undefined
}

/**
 * The row of a new process (C2). It is paused if its parent is paused or is about to be (C7).
 */
export function newRow(
  write: Create,
  parent: BriefRow | null | undefined,
  context: Pick<RuleContext, 'now' | 'targets'>,
  ends: Ends = NO_ENDS,
): NewRow {
  const row = initialRow(write, context.now)
  const needs = needEntries(write, ends)
  // A call whose needs are over may run: the engine that holds its actor reads how they ended.
  if (row.actor !== null && !needs.some(isLeft)) row.awaits = null
  const history: Entry[] = write.history.map(({ name, data }) => ({ name, data, by: write.claim }))
  const waits = row.state === 'waiting'
  const awaits = waits ? beginWait(row, write.wait, context) : []
  // A pause of the parent does not reach an abandoned child, since the play would not reach it
  // either.
  const reached = row.ended_at === null && row.abandoned === 0
  const isPaused = reached && parent != null && (parent.paused === 1 || parent.pause_asked === 1)
  if (isPaused) {
    row.paused = 1
    row.pause_message = parent.pause_message
    row.pause_cause = parent.pause_cause
    history.push(entry('paused', write.claim, { message: row.pause_message ?? undefined }))
  }
  if (waits || isPaused) row.owner = null
  // A call is run by the engine that holds its actor, and never claimed.
  if (row.owner === null && row.ended_at === null && row.actor === null) {
    const soonest = Math.max(context.now, wholeMilliseconds(write.readyAt) ?? context.now)
    row.ready_at =
      waits || row.awaits === 'inputs'
        ? readyAt(
            row,
            { now: context.now, hasMessage: () => false, hasCall: () => false },
            () => awaits.some(isLeft) || needs.some(isLeft),
          )
        : earliest(soonest, row.deadline)
  }
  const report = takeReport(row, write, context.now)
  if (report !== undefined) history.push(...report.history)
  return { outcome: createdOutcome(row, write), row, awaits, needs, history, log: report?.log }
}

const NO_ENDS: Ends = new Map()

/** The outcome of a `Create` that was applied. */
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
    // The back end sets the id when it stores the row.
    id: 0,
    pid: write.pid,
    class: write.className,
    version: write.version,
    state,
    step: write.step,
    status: write.status,
    progress: null,
    reported: 0,
    paused: 0,
    pause_asked: 0,
    pause_message: null,
    pause_cause: null,
    parked: null,
    parent: write.parent,
    key: write.key,
    label: write.label,
    worker: write.worker ?? '',
    seq: write.seq,
    // A row that was created under a claim has fence 1 even if the claim is given back at once,
    // so that the next claim fences its creator (C4).
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
    reason: null,
    kill_deadline: null,
    kill_message: null,
    kill_state: null,
    ready_at: null,
    played: 0,
    consumed: null,
    last_request: null,
    resumable: 0,
    receives: null,
    due_at: wholeMilliseconds(write.upstream?.until),
    awaits: write.upstream == null ? null : 'inputs',
    starts_at: write.upstream == null ? null : wholeMilliseconds(write.readyAt),
    in_step: 0,
    attempt: 1,
    deadline: wholeMilliseconds(write.deadline),
    abandoned: Number(write.abandoned ?? false),
    origin: write.origin?.pid ?? null,
    origin_kind: write.origin?.kind ?? null,
    records: 0,
    actor: write.actor ?? null,
    calls: write.mailbox === undefined ? null : 0,
    most_calls: write.mailbox?.limit ?? null,
    call_order: write.mailbox?.order ?? null,
    stopping: 0,
    data: write.parts['state'] ?? '{}',
    // A process that failed before its first commit is restarted from the beginning.
    before: ended && ending?.dropCheckpoint !== true ? CREATED_STATE : null,
  }
}

/**
 * The outcome if the pid or the key is in use. With the same class and raw inputs it is the same
 * launch.
 */
export function existingOutcome(
  existing: Row,
  inputs: string | undefined,
  write: Create,
  inThisBatch: boolean,
  what = existing.pid === write.pid ? `pid ${write.pid}` : `key ${JSON.stringify(write.key)}`,
): Outcome {
  const conflict = (reason: string): Outcome => ({ status: 'conflict', pid: existing.pid, reason })
  if (write.onlyOwn === true && existing.pid === write.pid && existing.parent !== write.parent) {
    return conflict(`${what} belongs to a process that is not a child of ${write.parent}`)
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

/**
 * Whether this write made the row, its acknowledgement was lost, and the process has made no
 * transition since.
 */
function isRepeated(existing: Row, write: Create): boolean {
  return (
    existing.pid === write.pid &&
    existing.created_at === Math.round(write.createdAt) &&
    existing.parent === write.parent &&
    existing.key === write.key &&
    (write.claim === null ? isUnclaimed(existing, write) : isUntouched(existing, write, write.claim))
  )
}

/**
 * Whether no engine has claimed the process since it was created. A step that runs again in the
 * millisecond of its launch must not take a child that has moved for a new one.
 */
function isUnclaimed(row: Row, write: Create): boolean {
  return row.fence === 0 && row.seq === write.seq
}

/**
 * Whether the process is as it was created under a claim that is still held, or that was given back
 * at once. A child that left memory in its first step may be launched again by the same engine at
 * the same time. That engine must not run it under the claim that it gave back.
 */
function isUntouched(row: Row, write: Create, claim: string): boolean {
  const held = row.owner === claim || row.paused === 1 || row.ended_at !== null
  return row.runner === claim && row.fence === 1 && row.seq === write.seq && row.records === 0 && held
}

/**
 * Refuses a child whose parent has ended, or whose parent's claim the launcher does not hold (C4).
 */
export function creationRefusal(
  write: Pick<Create, 'parent' | 'parentFence' | 'origin'>,
  parent: BriefRow | null | undefined,
): Outcome | undefined {
  if (write.parent === null || parent === null) return undefined
  // A child that is restarted together with its parent is created first, so that the parent waits
  // for it.
  if (parent === undefined) return write.origin == null ? { status: 'missing' } : undefined
  if (parent.ended_at !== null) return { status: 'ended', state: parent.state }
  if (write.parentFence !== null && (parent.owner === null || parent.fence !== write.parentFence)) {
    return { status: 'fenced' }
  }
  if (parent.kill_deadline !== null) return { status: 'ended', state: 'killed' }
  return undefined
}

/**
 * Refuses a restart if a process that it takes over has ended or was taken over by another
 * restart (C1).
 */
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
