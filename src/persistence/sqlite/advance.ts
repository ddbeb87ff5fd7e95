import { apply, afterEnd, killDescendants } from '../rules/apply.ts'
import { isTerminal } from '../../process/state/machine.ts'
import { MAX_CONSUMED_LENGTH } from '../rules/message-ids.ts'
import type { Done, Outcome } from '../contract/outcomes.ts'
import type { Advance } from '../contract/writes.ts'
import type { Connection } from './connection.ts'
import type { ProcessTable } from './process-table.ts'
import type { Session } from './session.ts'

/*
 * The hot path: the next saved state of a process that goes on running, or ends. One statement
 * checks the fence and the sequence number (C4) and stores the state, if nothing is special about
 * the row: no pause and no kill is stored, and no process is awaited. The outcome is then known
 * from the number of changed rows, and nothing is read back, which would cost more than the write.
 * In any other case the rules decide. The statement finds the row by its number and checks the pid.
 * It must do what `transitions.advance` does; the conformance suite compares them.
 */

const UNASKED = 'paused = 0 AND pause_asked = 0 AND kill_deadline IS NULL'

/** From one step to the next in the plain case. Touches no column of any index. */
const STEP = `UPDATE process SET
  seq = ?, step = ?, status = ?, message = ?, data = coalesce(?, data), updated_at = ?, played = 0
  WHERE id = ? AND pid = ? AND fence = ? AND seq = ? AND owner = ? AND state = 'running' AND crashes = 0 AND attempt = 1 AND ${UNASKED}`

/** Does what `withConsumed` does. The id of the message is bound twice. */
const REMEMBERING = `CASE WHEN ? IS NULL THEN last_wake ELSE
    coalesce(substr((SELECT sender FROM wake WHERE id = ?) || char(10) || coalesce(last_wake, ''), 1, ${MAX_CONSUMED_LENGTH}), last_wake) END`

const WAIT_ENDED = 'resumable = 0, receives = NULL, due_at = NULL, awaits = NULL, in_step = 0'

/** From any state to a step. */
const TRANSITION = `UPDATE process SET last_wake = ${REMEMBERING}, seq = ?, step = ?, status = ?, updated_at = ?, state = 'running',
  data = coalesce(?, data), message = ?, attempt = ?, crashes = 0, alone = 0, played = 0, ${WAIT_ENDED}
  WHERE id = ? AND pid = ? AND fence = ? AND seq = ? AND owner = ? AND ended_at IS NULL AND awaits IS NULL AND ${UNASKED}`

/** Claims a row that is as it was created, and takes it to its first step. */
const BEGIN = `UPDATE process SET seq = ?, step = ?, status = ?, message = ?, data = coalesce(?, data), updated_at = ?, attempt = ?,
  state = 'running', owner = ?, runner = ?, fence = fence + 1, ready_at = NULL, played = 0
  WHERE id = ? AND pid = ? AND fence = ? AND seq = ? AND state = 'created' AND owner IS NULL AND ready_at <= ? AND parked IS NULL AND crashes = 0
  AND ${UNASKED}`

/**
 * To a terminal state (C5), unless a kill is stored or the process is paused where it waits. A
 * stored pause comes too late.
 */
const END = `UPDATE process SET last_wake = ${REMEMBERING}, seq = ?, step = ?, status = ?, updated_at = ?, ended_at = ?, state = ?,
  data = coalesce(?, data), before = CASE WHEN ? THEN NULL ELSE data END, successful = ?,
  message = ?, exit_code = ?, exit_label = ?, exit_message = ?, attempt = ?,
  crashes = 0, alone = 0, played = 0, pause_asked = 0, paused = 0, pause_message = NULL, pause_cause = NULL, parked = NULL,
  kill_deadline = NULL, kill_message = NULL, kill_state = NULL, owner = NULL, ready_at = NULL, ${WAIT_ENDED}
  WHERE id = ? AND pid = ? AND fence = ? AND seq = ? AND owner = ? AND ended_at IS NULL AND paused = 0 AND kill_deadline IS NULL`

export function advance(
  connection: Connection,
  processes: ProcessTable,
  session: Session,
  write: Advance,
): Outcome {
  // A process is upgraded once, if ever, which is not worth a column of each statement.
  if (write.version !== undefined) return apply(session, write)
  const { pid, seq, state, parts, dropped, history, ending, owner } = write
  const ends = isTerminal(state)
  const id = processes.idOf(pid)
  const isDone = ends ? end(connection, session, write, id) : goOn(connection, session, write, id)
  if (!isDone) return apply(session, write)
  if (write.consumes !== null) session.takeMessage(pid, write.consumes)
  session.putParts(pid, parts)
  for (const name of dropped) session.dropPart(pid, name)
  if (ending?.dropCheckpoint === true) session.dropCheckpoint(pid)
  const after = { pid, seq, state, paused: false, ready: false, dueAt: null }
  for (const { name, data } of history) session.add(after, name, data, owner)
  if (ends) afterEnd(session, pid)
  killDescendants(session, write, owner)
  const outcome: Done = { status: 'done', pid, released: ends, ...(ends && { endedAt: session.now }) }
  return outcome
}

/** Takes the process to a step. Returns false where the row is special. */
function goOn(connection: Connection, session: Session, write: Advance, id: number | undefined): boolean {
  const { pid, fence, seq, owner, state, step, status, paused, consumes, attempt = 1 } = write
  if (state !== 'running' || paused !== null) return false
  const data = write.parts['state'] ?? null
  const message = write.message ?? null
  const { now } = session
  if (write.begins === true) {
    const begun = connection
      .sql(BEGIN)
      .run(seq, step, status, message, data, now, attempt, owner, owner, id, pid, fence, seq - 1, now)
    return begun.changes === 1
  }
  const stepped =
    consumes === null &&
    attempt === 1 &&
    connection.sql(STEP).run(seq, step, status, message, data, now, id, pid, fence, seq - 1, owner)
      .changes === 1
  if (stepped) return true
  const { changes } = connection
    .sql(TRANSITION)
    .run(consumes, consumes, seq, step, status, now, data, message, attempt, id, pid, fence, seq - 1, owner)
  return changes === 1
}

function end(connection: Connection, session: Session, write: Advance, id: number | undefined): boolean {
  if (write.begins === true) return false
  const { successful = false, message = null, exitCode = null, dropCheckpoint = false } = write.ending ?? {}
  const { changes } = connection
    .sql(END)
    .run(
      write.consumes,
      write.consumes,
      write.seq,
      write.step,
      write.status,
      session.now,
      session.now,
      write.state,
      write.parts['state'] ?? null,
      Number(dropCheckpoint),
      Number(successful),
      message,
      exitCode?.code ?? null,
      exitCode?.label ?? null,
      exitCode?.message ?? null,
      write.attempt ?? 1,
      id,
      write.pid,
      write.fence,
      write.seq - 1,
      write.owner,
    )
  return changes === 1
}
