import { isTerminal, type ProcessRow } from '../../index.ts'
import { summary } from '../../client/read/summary.ts'
import type { Pending } from '../../persistence/contract/control.ts'
import type { StoredProcess } from '../../persistence/contract/rows.ts'
import type { Look, CurrentPosition } from './flowchart.ts'
import { positionBefore } from './position.ts'
import { stateText } from './state-text.ts'
import { statusText } from './wait-text.ts'

/** Where a process is, for its picture. */
export function currentPosition(stored: StoredProcess, { on }: Pending, now: number): CurrentPosition {
  const { row } = stored
  const one = summary(row, now)
  const attempt = row.attempt > 1 && row.state === 'running' ? `attempt ${row.attempt}` : ''
  const notes = [stateText(one.state), attempt, statusText(one, now, on)]
  return { place: positionOf(stored), look: lookOf(row), notes: notes.filter((note) => note !== '') }
}

function positionOf(stored: StoredProcess): CurrentPosition['place'] {
  const { row } = stored
  if (row.successful === true) return 'end'
  const at = isTerminal(row.state) ? positionBefore(stored) : row.step
  if (row.state === 'created') return 'start'
  // Without a step it waits for nothing but its end.
  return at === null ? 'end' : { at }
}

function lookOf({ state, successful, paused, parked }: ProcessRow): Look {
  if (isTerminal(state)) return successful === true ? 'done' : 'failed'
  if (paused !== null || parked !== null) return 'paused'
  return state === 'waiting' ? 'waiting' : 'moving'
}
