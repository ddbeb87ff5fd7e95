import { apply, hasEnded, killBelow } from '../applying.ts'
import { isTerminal } from '../../process/machine.ts'
import { advanced } from '../rules.ts'
import { REMEMBERED } from '../senders.ts'
import type { Advance, Outcome } from '../store.ts'
import type { Connection } from './connection.ts'
import type { Session } from './session.ts'

/*
 * The hot path: the next saved state of a process that goes on running, or ends. One statement checks the fence and the sequence (C4)
 * and stores the state. It does what `rules.advance` says; the conformance suite holds them together. Whatever it does not
 * find as it expects, the rules decide: a process that is to pause or wait, and one whose claim is gone.
 */

/** What every variant returns: enough to answer. */
interface Advanced {
  readonly runner: string | null
  readonly owner: string | null
  readonly paused: number
  readonly pause_message: string | null
  readonly kill_deadline: number | null
  readonly kill_message: string | null
}

const RETURNED = `RETURNING runner, owner, paused, pause_message, kill_deadline, kill_message`

/** From one step to the next, with nothing special about it: touches no column of any index. */
const STEP = `UPDATE process SET
  seq = ?, step = ?, status = ?, message = ?, data = coalesce(?, data), updated_at = ?, played = 0
  WHERE pid = ? AND fence = ? AND seq = ? AND owner IS NOT NULL AND state = 'running' AND paused = 0 AND pause_asked = 0
  AND crashes = 0 AND attempt = 1 ${RETURNED}`

/** As `remember`. */
function remembering(consumes: string): string {
  return `CASE WHEN ${consumes} IS NULL THEN last_wake ELSE
    coalesce(substr((SELECT sender FROM wake WHERE id = ${consumes}) || char(10) || coalesce(last_wake, ''), 1, ${REMEMBERED}), last_wake) END`
}

const WAIT_ENDED = 'resumable = 0, receives = NULL, due_at = NULL, awaits = NULL, in_step = 0'

/** To a step, from whatever state. */
const TRANSITION = `UPDATE process SET seq = @seq, step = @step, status = @status, updated_at = @now, state = 'running',
  data = coalesce(@data, data), message = @message, attempt = @attempt, crashes = 0, alone = 0, played = 0, ${WAIT_ENDED},
  last_wake = ${remembering('@consumes')}
  WHERE pid = @pid AND fence = @fence AND seq = @before AND ended_at IS NULL AND owner IS NOT NULL
  AND paused = 0 AND pause_asked = 0 ${RETURNED}, EXISTS (SELECT 1 FROM awaits WHERE pid = @pid) AS awaits`

/** To a terminal state (C5). Its values are bound by their order, which costs half of what their names would. */
const END = `UPDATE process SET seq = ?, step = ?, status = ?, updated_at = ?, ended_at = ?, state = ?,
  data = coalesce(?, data), before = CASE WHEN ? THEN NULL ELSE data END, successful = ?,
  message = ?, exit_code = ?, exit_label = ?, exit_message = ?, attempt = ?,
  last_wake = ${remembering('?')},
  crashes = 0, alone = 0, played = 0, pause_asked = 0, paused = 0, pause_message = NULL, parked = NULL,
  kill_deadline = NULL, kill_message = NULL, kill_state = NULL, owner = NULL, ready_at = NULL, ${WAIT_ENDED}
  WHERE pid = ? AND fence = ? AND seq = ? AND ended_at IS NULL AND (owner IS NOT NULL OR ?) ${RETURNED}`

export function advance(connection: Connection, session: Session, write: Advance): Outcome {
  // Once in the life of a process, if ever: not worth a column of each statement.
  if (write.version !== undefined) return apply(session, write)
  const ends = isTerminal(write.state)
  const returned = ends ? end(connection, session, write) : goOn(connection, session, write)
  if (returned === undefined) return apply(session, write)
  const { pid, seq, state, parts, dropped, history, ending } = write
  session.putParts(pid, parts)
  for (const name of dropped) session.dropPart(pid, name)
  if (ending?.dropCheckpoint === true) session.dropCheckpoint(pid)
  const after = { pid, seq, state, paused: false, ready: false, dueAt: null }
  for (const { name, data } of history) session.add(after, name, data, returned.runner)
  if (ends) hasEnded(session, pid)
  killBelow(session, write, returned.runner)
  return advanced({ pid, ...returned }, write)
}

/** To a step: undefined where that is not all there is to it. */
function goOn(connection: Connection, session: Session, write: Advance): Advanced | undefined {
  const { pid, fence, seq, state, step, status, paused, consumes, attempt = 1 } = write
  if (state !== 'running' || paused !== null) return undefined
  const data = write.parts['state'] ?? null
  const message = write.message ?? null
  const { now } = session
  if (consumes === null && attempt === 1) {
    const stepped = connection
      .sql<Advanced>(STEP)
      .get(seq, step, status, message, data, now, pid, fence, seq - 1)
    if (stepped !== undefined) return stepped
  }
  const moved = connection
    .sql<Advanced & { readonly awaits: number }>(TRANSITION)
    .get({ pid, fence, seq, before: seq - 1, step, status, now, data, message, attempt, consumes })
  if (moved?.awaits === 1) session.dropAwaits(pid)
  if (moved !== undefined && consumes !== null) session.takeMessage(pid, consumes)
  return moved
}

function end(connection: Connection, session: Session, write: Advance): Advanced | undefined {
  const { successful = false, message = null, exitCode = null, dropCheckpoint = false } = write.ending ?? {}
  return connection
    .sql<Advanced>(END)
    .get(
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
      write.consumes,
      write.consumes,
      write.pid,
      write.fence,
      write.seq - 1,
      Number(write.state === 'excepted'),
    )
}
