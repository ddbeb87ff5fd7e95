import { apply, killDescendants } from '../rules/apply.ts'
import { afterEnd } from '../rules/ends.ts'
import { isTerminal } from '../../process/state/machine.ts'
import { MAX_CONSUMED_LENGTH } from '../rules/message-ids.ts'
import { CHECKPOINT_PART } from '../rules/parts.ts'
import type { Done, Outcome } from '../contract/outcomes.ts'
import type { Advance } from '../contract/writes.ts'
import type { Connection } from './connection.ts'
import type { HistoryTable } from './history-table.ts'
import { HotStatement, type PartsTarget } from './hot-statement.ts'
import type { ProcessTable } from './process-table.ts'
import { partChange } from './row-parts.ts'
import type { Session } from './session.ts'

/*
 * The hot path: the next saved state of a process that continues to run, or ends. One statement
 * checks the fence and the sequence number (C4) and stores the state with the small parts and the
 * history, if nothing is special about the row: no pause and no kill is stored, no process is
 * awaited, and the row has room. The outcome is then known from the number of changed rows, and
 * nothing is read back, which would cost more than the write. In any other case the rules decide.
 * The statement finds the row by its number and checks the pid. It must do what
 * `transitions.advance` does; the conformance suite compares them.
 */

const UNASKED = 'paused = 0 AND pause_asked = 0 AND kill_deadline IS NULL'

/** From one step to the next in the plain case. Touches no column of any index. */
const STEP = new HotStatement(
  `recent = recent || ?, seq = ?, step = ?, status = ?, message = ?, data = coalesce(?, data), updated_at = ?,
  played = 0`,
  `WHERE id = ? AND pid = ? AND fence = ? AND seq = ? AND owner = ? AND state = 'running' AND crashes = 0 AND attempt = 1
  AND ${UNASKED}`,
)

/** Does what `withConsumed` does. The id of the message is bound twice. */
const REMEMBERING = `CASE WHEN ? IS NULL THEN consumed ELSE
    coalesce(substr((SELECT sender FROM message WHERE id = ?) || char(10) || coalesce(consumed, ''), 1, ${MAX_CONSUMED_LENGTH}), consumed) END`

const WAIT_ENDED = 'resumable = 0, receives = NULL, due_at = NULL, awaits = NULL, in_step = 0'

/** From any state to a step. */
const TRANSITION = new HotStatement(
  `consumed = ${REMEMBERING}, recent = recent || ?, seq = ?, step = ?, status = ?, updated_at = ?,
  state = 'running', data = coalesce(?, data), message = ?, attempt = ?, crashes = 0, alone = 0, played = 0, ${WAIT_ENDED}`,
  `WHERE id = ? AND pid = ? AND fence = ? AND seq = ? AND owner = ? AND ended_at IS NULL AND awaits IS NULL AND ${UNASKED}`,
)

/** Claims a row that has not changed since its creation, and takes it to its first step. */
const BEGIN = new HotStatement(
  `recent = recent || ?, seq = ?, step = ?, status = ?, message = ?, data = coalesce(?, data),
  updated_at = ?, attempt = ?, state = 'running', owner = ?, runner = ?, fence = fence + 1, ready_at = NULL, played = 0`,
  `WHERE id = ? AND pid = ? AND fence = ? AND seq = ? AND state = 'created' AND owner IS NULL AND ready_at <= ?
  AND parked IS NULL AND crashes = 0 AND ${UNASKED}`,
)

/**
 * To a terminal state (C5), unless a kill is stored or the process is paused in its wait. A stored
 * pause comes too late.
 */
const ENDED = `consumed = ${REMEMBERING}, recent = recent || ?, seq = ?, step = ?, status = ?, updated_at = ?,
  ended_at = ?, state = ?, before = CASE WHEN ? THEN NULL ELSE data END, data = coalesce(?, data), successful = ?,
  message = ?, exit_code = ?, exit_label = ?, exit_message = ?, attempt = ?,
  crashes = 0, alone = 0, played = 0, pause_asked = 0, paused = 0, pause_message = NULL, pause_cause = NULL, parked = NULL,
  kill_deadline = NULL, kill_message = NULL, kill_state = NULL, owner = NULL, ready_at = NULL, ${WAIT_ENDED}`
const MAY_END = 'ended_at IS NULL AND paused = 0 AND kill_deadline IS NULL'
const END = new HotStatement(
  ENDED,
  `WHERE id = ? AND pid = ? AND fence = ? AND seq = ? AND owner = ? AND ${MAY_END} AND actor IS NULL AND calls IS NULL`,
)

/** The same for a call, which no engine owns: its actor is owned. */
const END_CALL = new HotStatement(
  `${ENDED}, runner = ?`,
  `WHERE id = ? AND pid = ? AND fence = ? AND seq = ? AND actor = ? AND ${MAY_END}`,
)

/** The row, the changes of its parts, and the new lines of its history. */
interface Target extends PartsTarget {
  readonly id: number
  readonly lines: string
}

/** What the hot path writes to. */
export interface HotTables {
  readonly connection: Connection
  readonly processes: ProcessTable
  readonly histories: HistoryTable
}

export function advance(tables: HotTables, session: Session, write: Advance): Outcome {
  const { pid, state, owner } = write
  const ends = isTerminal(state)
  if (!ends && (state !== 'running' || write.paused !== null)) return apply(session, write)
  if (!isStored(tables, session, write, ends ? end : goOn)) return apply(session, write)
  killDescendants(session, write, owner)
  const outcome: Done = { status: 'done', pid, released: ends, ...(ends && { endedAt: session.now }) }
  return outcome
}

/** Ends a call of an actor. Returns false if its row is special, and then has changed nothing. */
export function endCall(tables: HotTables, session: Session, write: Advance, actor: string): boolean {
  return isStored(tables, session, write, endOf(actor), actor)
}

/** Stores an advance by a hot statement. Returns false if the row is special, and then has changed nothing. */
function isStored(
  { connection, processes, histories }: HotTables,
  session: Session,
  write: Advance,
  hot: (connection: Connection, session: Session, write: Advance, target: Target) => boolean,
  actor?: string,
): boolean {
  const { pid, seq, state, history, ending, owner } = write
  const known = processes.known(pid)
  const succeeds = ending?.dropCheckpoint === true
  const change = partChange(write.parts, write.dropped, succeeds)
  // A process is upgraded rarely, so a version is not worth a column in each statement. Likewise, a
  // process without reports pays nothing for those with reports.
  const isPlain = write.version === undefined && write.report === undefined && ending?.reason === undefined
  if (!isPlain || known === undefined || change === undefined) return false
  const { length } = session.changes
  const after = {
    pid,
    seq,
    state,
    paused: false,
    ready: false,
    dueAt: null,
    ...(actor !== undefined && { actor }),
  }
  let lines = ''
  for (const { name, data } of history) lines += session.line(after, name, data, owner)
  const drops = succeeds ? 'checkpoint' : write.dropsRecord === true ? 'record' : 'nothing'
  const { id, beside } = known
  const target: Target = { id, beside, change, drops, lines }
  const isDone = hot(connection, session, write, target)
  if (!isDone && !(histories.makeRoom(id) && hot(connection, session, write, target))) {
    session.changes.length = length
    return false
  }
  session.mark(id, history)
  if (change.any || drops !== 'nothing') putBeside(processes, pid, target)
  if (write.consumes !== null) session.takeMessage(pid, write.consumes)
  if (isTerminal(state)) afterEnd(session, pid, ending?.successful === true)
  return true
}

/** Stores the parts that are too large for the row, and drops parts that no longer count. */
function putBeside(processes: ProcessTable, pid: string, { id, beside, change, drops }: Target): void {
  for (const [name, text] of change.large) processes.putBeside(id, name, text)
  if (change.large.length > 0) processes.noteBeside(pid)
  if (beside === 0) return
  for (const name of change.inRow) processes.dropBeside(id, name)
  if (drops !== 'nothing') processes.dropRecordBeside(id)
  if (drops === 'checkpoint') processes.dropBeside(id, CHECKPOINT_PART)
}

/** Takes the process to a step. Returns false if the row is special. */
function goOn(connection: Connection, session: Session, write: Advance, target: Target): boolean {
  const { pid, fence, seq, owner, step, status, consumes, attempt = 1 } = write
  const data = write.parts['state'] ?? null
  const message = write.message ?? null
  const { now } = session
  const { id, lines } = target
  if (write.begins === true) {
    return BEGIN.run(connection, target, [
      lines,
      seq,
      step,
      status,
      message,
      data,
      now,
      attempt,
      owner,
      owner,
      id,
      pid,
      fence,
      seq - 1,
      now,
    ])
  }
  const stepped =
    consumes === null &&
    attempt === 1 &&
    STEP.run(connection, target, [
      lines,
      seq,
      step,
      status,
      message,
      data,
      now,
      id,
      pid,
      fence,
      seq - 1,
      owner,
    ])
  if (stepped) return true
  return TRANSITION.run(connection, target, [
    consumes,
    consumes,
    lines,
    seq,
    step,
    status,
    now,
    data,
    message,
    attempt,
    id,
    pid,
    fence,
    seq - 1,
    owner,
  ])
}

function end(connection: Connection, session: Session, write: Advance, target: Target): boolean {
  if (write.begins === true) return false
  return END.run(connection, target, [
    ...endValues(session, write, target),
    ...rowValues(write, target),
    write.owner,
  ])
}

function endOf(actor: string) {
  return (connection: Connection, session: Session, write: Advance, target: Target): boolean =>
    END_CALL.run(connection, target, [
      ...endValues(session, write, target),
      write.owner,
      ...rowValues(write, target),
      actor,
    ])
}

/** The values of `ENDED`. */
function endValues({ now }: Session, write: Advance, { lines }: Target): unknown[] {
  const { successful = false, message = null, exitCode = null, dropCheckpoint = false } = write.ending ?? {}
  return [
    write.consumes,
    write.consumes,
    lines,
    write.seq,
    write.step,
    write.status,
    now,
    now,
    write.state,
    Number(dropCheckpoint),
    write.parts['state'] ?? null,
    Number(successful),
    message,
    exitCode?.code ?? null,
    exitCode?.label ?? null,
    exitCode?.message ?? null,
    write.attempt ?? 1,
  ]
}

/** The number of the row, and how far its process has progressed. */
function rowValues({ pid, fence, seq }: Advance, { id }: Target): unknown[] {
  return [id, pid, fence, seq - 1]
}
