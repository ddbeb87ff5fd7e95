import type { ProcessDetails } from '../../index.ts'
import type { CurrentPosition, Look } from './flowchart.ts'
import { stateText } from './state-text.ts'
import { statusText } from './wait-text.ts'

/** Returns the position of a process, for its flowchart. */
export function currentPosition(details: ProcessDetails, now: number): CurrentPosition {
  const { state, attempt, awaited } = details
  const retry = attempt > 1 && state.label === 'running' ? `attempt ${attempt}` : ''
  const notes = [stateText(state), retry, statusText(details, now, awaited)]
  return { position: positionOf(details), look: lookOf(details), notes: notes.filter((note) => note !== '') }
}

function positionOf({ state, step, endedIn }: ProcessDetails): CurrentPosition['position'] {
  if (state.terminal && state.successful) return 'end'
  if (state.label === 'created') return 'start'
  const at = state.terminal ? endedIn : step
  // A process without a step waits only for its end.
  return at === null ? 'end' : { at }
}

function lookOf({ state, paused, parked }: ProcessDetails): Look {
  if (state.terminal) return state.successful ? 'done' : 'failed'
  if (paused !== null || parked !== null) return 'paused'
  return state.label === 'waiting' ? 'waiting' : 'moving'
}
