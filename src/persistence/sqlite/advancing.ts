import { isTerminal } from '../../process/machine.ts'
import type { ProcessState } from '../../process/state.ts'
import { advanced, repeatedAdvance } from '../rules.ts'
import type { Advance, Outcome } from '../store.ts'
import type { Connection } from './connection.ts'
import type { ProcessTable } from './process-table.ts'
import type { Recorder } from './recorder.ts'

/*
 * The hot path: the next saved state of a running process. One statement checks the fence and the sequence (C4), stores the
 * state, carries out a stored pause, and keeps or gives back the claim. It does what `rules.advance` says; the conformance
 * suite holds them together.
 */

/** What every variant returns: enough to answer, and to tell who watches. */
interface Advanced {
  readonly runner: string | null
  readonly owner: string | null
  readonly paused: number
  readonly pause_message: string | null
  readonly kill_deadline: number | null
  readonly kill_message: string | null
  readonly ready_at: number | null
}

const NEXT = `pid = @pid AND fence = @fence AND seq = @before AND ended_at IS NULL`
const HELD = `${NEXT} AND owner IS NOT NULL`
const RETURNED = `RETURNING runner, owner, paused, pause_message, kill_deadline, kill_message, ready_at`
const SAVED = `seq = @seq, step = @step, status = @status, updated_at = @now, state = @state,
  crashes = 0, alone = 0, played = 0, pause_asked = 0,
  last_wake = CASE WHEN @consumes IS NULL THEN last_wake
    ELSE coalesce((SELECT sender FROM wake WHERE id = @consumes), last_wake) END`

/** From one step to the next, with nothing special about it: touches no column of any index. */
const STEP = `UPDATE process SET
  seq = ?, step = ?, status = ?, data = coalesce(?, data), updated_at = ?, played = 0
  WHERE pid = ? AND fence = ? AND seq = ? AND owner IS NOT NULL AND state = 'running' AND pause_asked = 0
  AND crashes = 0 ${RETURNED}`

const GIVEN_BACK = `kill_deadline IS NULL AND (@state = 'waiting' OR @paused OR pause_asked)`

/** To any state that is not terminal. */
const TRANSITION = `UPDATE process SET ${SAVED}, data = coalesce(@data, data), message = @message,
  paused = @paused OR pause_asked,
  pause_message = CASE WHEN @paused THEN @pauseMessage ELSE pause_message END,
  owner = CASE WHEN ${GIVEN_BACK} THEN NULL ELSE owner END,
  ready_at = CASE WHEN ${GIVEN_BACK}
    AND (@state <> 'waiting' OR EXISTS (SELECT 1 FROM wake WHERE pid = @pid AND id IS NOT @consumes)) THEN @now END
  WHERE ${HELD} ${RETURNED}`

/** To a terminal state (C5). Its values are bound by their order, which costs half of what their names would. */
const END = `UPDATE process SET seq = ?, step = ?, status = ?, updated_at = ?, ended_at = ?, state = ?,
  data = coalesce(?, data), before = CASE WHEN ? THEN NULL ELSE data END, successful = ?,
  message = ?, exit_code = ?, exit_label = ?, exit_message = ?,
  last_wake = CASE WHEN ? IS NULL THEN last_wake ELSE coalesce((SELECT sender FROM wake WHERE id = ?), last_wake) END,
  crashes = 0, alone = 0, played = 0, pause_asked = 0, paused = 0, pause_message = NULL, parked = NULL,
  kill_deadline = NULL, kill_message = NULL, kill_state = NULL, owner = NULL, ready_at = NULL
  WHERE pid = ? AND fence = ? AND seq = ? AND ended_at IS NULL AND (owner IS NOT NULL OR ?) ${RETURNED}`

export function advance(
  connection: Connection,
  processes: ProcessTable,
  recorder: Recorder,
  write: Advance,
  now: number,
): Outcome {
  const { pid, fence, seq, step, status, state, ending, consumes } = write
  const terminal = isTerminal(state)
  const returned =
    state === 'running' && write.paused === null && consumes === null
      ? (connection
          .sql<Advanced>(STEP)
          .get(seq, step, status, write.parts['state'] ?? null, now, pid, fence, seq - 1) ??
        transition(connection, write, now))
      : terminal
        ? end(connection, write, now)
        : transition(connection, write, now)
  if (returned === undefined) {
    const row = processes.brief(pid)
    return row === undefined ? { status: 'missing' } : repeatedAdvance(row, write)
  }
  for (const name in write.parts)
    if (name !== 'state') processes.putPart(pid, name, write.parts[name] as string)
  for (const name of write.dropped) processes.dropPart(pid, name)
  if (consumes !== null) processes.dropWake(consumes)
  if (ending?.dropCheckpoint === true) processes.dropCheckpoint(pid)
  if (terminal) processes.dropWakes(pid)
  record(recorder, write, state, returned, now)
  return advanced({ pid, ...returned }, write)
}

function transition(connection: Connection, write: Advance, now: number): Advanced | undefined {
  return connection.sql<Advanced>(TRANSITION).get({
    ...values(write, now),
    paused: write.paused === null ? 0 : 1,
    pauseMessage: write.paused?.message ?? null,
    message: write.message ?? null,
  })
}

function end(connection: Connection, write: Advance, now: number): Advanced | undefined {
  const { successful = false, message = null, exitCode = null, dropCheckpoint = false } = write.ending ?? {}
  return connection
    .sql<Advanced>(END)
    .get(
      write.seq,
      write.step,
      write.status,
      now,
      now,
      write.state,
      write.parts['state'] ?? null,
      Number(dropCheckpoint),
      Number(successful),
      message,
      exitCode?.code ?? null,
      exitCode?.label ?? null,
      exitCode?.message ?? null,
      write.consumes,
      write.consumes,
      write.pid,
      write.fence,
      write.seq - 1,
      Number(write.state === 'excepted'),
    )
}

function values(write: Advance, now: number) {
  const { pid, fence, seq, step, status, state, consumes } = write
  return {
    pid,
    fence,
    seq,
    before: seq - 1,
    step,
    status,
    state,
    consumes,
    now,
    data: write.parts['state'] ?? null,
  }
}

function record(recorder: Recorder, write: Advance, state: ProcessState, row: Advanced, now: number): void {
  const after = { pid: write.pid, seq: write.seq, state, paused: row.paused === 1, ready: false }
  // While it is paused it is not ready, whatever it waits for.
  after.ready = row.ready_at !== null && !after.paused
  for (const { name, data } of write.history) recorder.add(after, now, name, data, row.runner)
  if (after.paused) {
    const data = row.pause_message === null ? null : JSON.stringify({ message: row.pause_message })
    recorder.add(after, now, 'paused', data, row.runner)
  }
}
