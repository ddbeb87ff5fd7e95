import { isRecordPart, portOf, type Bundle } from '../bundle/bundle.ts'
import { encodeEvent, type HistoryEntry } from '../persistence/contract/event-codec.ts'
import type { ProcessRow } from '../persistence/contract/rows.ts'
import type { Advance, Create, Ending } from '../persistence/contract/writes.ts'
import type { Transition } from '../process/host/host.ts'
import type { ProcessState } from '../process/state/process-state.ts'
import type { Report } from '../process/state/report.ts'
import type { Codec } from '../bundle/codec.ts'
import type { EndingReason } from '../process/state/transition.ts'
import { errorText } from '../shared/error-text.ts'
import { PortValidationError, UpstreamFailed } from '../shared/errors.ts'
import type { EngineParts } from './engine-parts.ts'
import type { EndedRow } from '../client/read/state-info.ts'
import type { Outcome } from '../persistence/contract/outcomes.ts'
import type { Execution } from './execution.ts'
import { storedReport } from './unstored-reports.ts'

/**
 * The write of a transition, with only the parts that have changed since the last one.
 *
 * A process that ends unsuccessfully keeps its last checkpoint and the record of its step, so that
 * it can be restarted from there. A step that failed has returned no command, so its context,
 * members and outputs are not saved.
 */
export function advanceWrite(
  execution: Execution,
  { id: engine, killGrace }: Pick<EngineParts, 'id' | 'killGrace'>,
  transition: Transition,
  bundle: Bundle,
  report: Report | undefined,
): Advance {
  const before = execution.saved?.parts ?? {}
  const { recorded } = execution
  const { ending } = transition
  const failed = ending !== null && !ending.successful
  const keepsOutputs = transition.to === 'finished'
  const after = bundle.parts
  const parts: Record<string, string> = {}
  for (const name in after) {
    const text = after[name] as string
    if ((recorded?.[name] ?? before[name]) === text) continue
    if (failed && name !== 'state' && !(keepsOutputs && portOf(name) !== undefined)) continue
    parts[name] = text
  }
  const { version } = bundle.head
  const lifted = !failed && execution.saved !== undefined && execution.saved.head.version !== version
  const dropped: string[] = []
  // An inner output is dropped if the namespace around it was emitted again.
  for (const name in before)
    if (!(name in after) && (!failed || (keepsOutputs && portOf(name) !== undefined))) dropped.push(name)
  if (!failed) {
    for (const name in recorded) if (!(name in after) && !(name in before)) dropped.push(name)
  }
  // A step's record is dropped as a whole.
  const dropsRecord = dropped.some(isRecordPart) && !Object.keys(after).some(isRecordPart)
  return {
    kind: 'advance',
    pid: execution.process.pid,
    fence: execution.fence ?? 0,
    seq: execution.seq + 1,
    owner: engine,
    begins: execution.claimPending,
    version: lifted ? version : undefined,
    state: transition.to,
    step: transition.step,
    status: bundle.head.status ?? null,
    message: transition.message,
    parts,
    dropped: dropsRecord ? dropped.filter((name) => !isRecordPart(name)) : dropped,
    dropsRecord,
    paused: transition.paused === null ? null : { message: transition.paused.message ?? null },
    consumes: transition.wake?.id ?? null,
    history: [...droppedEntry(transition), ...(transition.moved ? [historyEntry(transition)] : [])],
    ending: endingOf(transition),
    wait: transition.wait,
    attempt: transition.attempt,
    killsChildren: transition.killsChildren ? { grace: killGrace } : undefined,
    report: report && storedReport(report),
  }
}

/**
 * The write of a launch that starts at once. The `created` row and the first transition are one
 * commit, so that the launch costs no commit of its own (C2, C3).
 */
export function launchWrite(
  create: Create,
  transition: Transition,
  bundle: Bundle,
  engine: string,
  report: Report | undefined,
): Create {
  return {
    ...create,
    seq: 1,
    state: transition.to,
    step: transition.step,
    status: bundle.head.status ?? null,
    parts: bundle.parts,
    claim: engine,
    history: [...create.history, historyEntry(transition)],
    ending: endingOf(transition),
    wait: transition.wait,
    report: report && storedReport(report),
  }
}

/** The end of a process by an error that its own code did not throw. */
export function failureEnd(
  error: unknown,
  codec: Codec,
): { readonly message: string; readonly text: string; readonly reason: EndingReason | undefined } {
  const isUpstream = error instanceof UpstreamFailed
  const state = { label: 'excepted', error, ...(isUpstream && { upstream: true }) }
  const reason = isUpstream ? 'upstream' : error instanceof PortValidationError ? 'rejected' : undefined
  return { message: errorText(error), text: codec.stringifyFailure(state, 'state'), reason }
}

/** The write that excepts a process without running any of its code. */
export function exceptedWrite(
  { row, fence }: { readonly row: Pick<ProcessRow, 'pid' | 'seq'>; readonly fence: number },
  error: unknown,
  { id: owner, codec }: Pick<EngineParts, 'id' | 'codec'>,
): Advance {
  const { message, text, reason } = failureEnd(error, codec)
  return {
    kind: 'advance',
    pid: row.pid,
    fence,
    seq: row.seq + 1,
    owner,
    state: 'excepted',
    step: null,
    status: null,
    parts: { state: text },
    dropped: [],
    paused: null,
    consumes: null,
    history: [encodeEvent('excepted', { message })],
    ending: { successful: false, exitCode: null, message, reason, dropCheckpoint: false },
  }
}

/** The row of a process that this write ended; undefined if the write did not end it. */
export function endedRow(
  { progress, turn }: Execution,
  write: Advance | Create,
  { head }: Bundle,
  outcome: Outcome,
): EndedRow | undefined {
  const { pid, state, status, ending } = write
  if (outcome.status !== 'done' || outcome.existed === true || outcome.endedAt === undefined) return undefined
  const { successful = false, exitCode = null, message = null, reason = null } = ending ?? {}
  const { endedAt: updatedAt } = outcome
  const end = { message, successful, exitCode, reason, updatedAt }
  const called = { actor: turn?.actor ?? null, mailbox: null }
  return { pid, className: head.class, ...called, state, status, progress, ...end }
}

function endingOf(transition: Transition): Ending | null {
  if (transition.ending === null) return null
  const { successful, exitCode, message, reason } = transition.ending
  return { successful, exitCode, message, reason, dropCheckpoint: transition.to === 'finished' && successful }
}

function droppedEntry({ dropped }: Transition): readonly HistoryEntry[] {
  return dropped.length === 0 ? [] : [encodeEvent('dropped', { waits: dropped })]
}

function historyEntry(transition: Transition): HistoryEntry {
  const { to, step, ending, failed } = transition
  if (failed !== null) return encodeEvent('failed', failed)
  // No transition leads to `created`, which has other data.
  return encodeEvent(to as Exclude<ProcessState, 'created'>, {
    step: step ?? undefined,
    message: transition.message ?? ending?.message ?? undefined,
    exitCode: ending?.exitCode?.code,
    successful: to === 'finished' ? ending?.successful : undefined,
  })
}
