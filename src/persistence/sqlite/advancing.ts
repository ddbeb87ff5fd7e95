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

const HELD = `pid = ?1 AND fence = ?2 AND seq = ?3 - 1 AND owner IS NOT NULL AND ended_at IS NULL`
const RETURNED = `RETURNING runner, owner, paused, pause_message, kill_deadline, kill_message, ready_at`

/** From one step to the next, with nothing special about it: touches no column of any index. */
export const STEP = `UPDATE process SET
  seq = ?3, step = ?4, status = ?5, data = coalesce(?6, data), updated_at = ?7, played = 0
  WHERE ${HELD} AND state = 'running' AND pause_asked = 0 AND crashes = 0 ${RETURNED}`

const GIVEN_BACK = `kill_deadline IS NULL AND (?8 = 'waiting' OR ?9 OR pause_asked)`

/** To any state that is not terminal. */
export const TRANSITION = `UPDATE process SET
  seq = ?3, step = ?4, status = ?5, data = coalesce(?6, data), updated_at = ?7, state = ?8,
  crashes = 0, alone = 0, played = 0,
  paused = ?9 OR pause_asked,
  pause_message = CASE WHEN ?9 THEN ?10 ELSE pause_message END,
  pause_asked = 0,
  owner = CASE WHEN ${GIVEN_BACK} THEN NULL ELSE owner END,
  ready_at = CASE WHEN ${GIVEN_BACK}
    AND (?8 <> 'waiting' OR EXISTS (SELECT 1 FROM wake WHERE pid = ?1 AND id IS NOT ?11)) THEN ?7 END,
  last_wake = CASE WHEN ?11 IS NULL THEN last_wake
    ELSE coalesce((SELECT sender FROM wake WHERE id = ?11), last_wake) END
  WHERE ${HELD} ${RETURNED}`

/** To a terminal state (C5). */
export const END = `UPDATE process SET
  seq = ?3, step = ?4, status = ?5, before = CASE WHEN ?14 THEN NULL ELSE data END, data = coalesce(?6, data),
  updated_at = ?7, ended_at = ?7, state = ?8,
  successful = ?9, message = ?10, exit_code = ?11, exit_label = ?12, exit_message = ?13,
  crashes = 0, alone = 0, played = 0, paused = 0, pause_asked = 0, pause_message = NULL, parked = NULL,
  kill_deadline = NULL, kill_message = NULL, kill_state = NULL, owner = NULL, ready_at = NULL,
  last_wake = CASE WHEN ?15 IS NULL THEN last_wake
    ELSE coalesce((SELECT sender FROM wake WHERE id = ?15), last_wake) END
  WHERE ${HELD} ${RETURNED}`

export function advance(
  connection: Connection,
  processes: ProcessTable,
  recorder: Recorder,
  write: Advance,
  now: number,
): Outcome {
  const { pid, fence, seq, step, status, state, ending, consumes } = write
  const data = write.parts['state'] ?? null
  const terminal = isTerminal(state)
  let returned: Advanced | undefined
  if (terminal) {
    const { successful = false, message = null, exitCode = null, dropCheckpoint = false } = ending ?? {}
    returned = connection
      .sql<Advanced>(END)
      .get(
        pid,
        fence,
        seq,
        step,
        status,
        data,
        now,
        state,
        Number(successful),
        message,
        exitCode?.code ?? null,
        exitCode?.label ?? null,
        exitCode?.message ?? null,
        Number(dropCheckpoint),
        consumes,
      )
  } else {
    if (state === 'running' && write.paused === null && consumes === null) {
      returned = connection.sql<Advanced>(STEP).get(pid, fence, seq, step, status, data, now)
    }
    returned ??= connection
      .sql<Advanced>(TRANSITION)
      .get(
        pid,
        fence,
        seq,
        step,
        status,
        data,
        now,
        state,
        write.paused === null ? 0 : 1,
        write.paused?.message ?? null,
        consumes,
      )
  }
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
