import type { ProcessLost } from '../../shared/errors.ts'
import type { Settled, StateInfo } from './process-handle.ts'

/** The outcome of a process that is not in the store, or not in memory. */
export function lostOutcome(reason: ProcessLost): Settled<never> {
  const state = {
    label: 'excepted',
    terminal: true,
    successful: false,
    paused: false,
    at: new Date(0),
    reason: 'lost',
  } as const
  return { status: 'rejected', reason, state }
}

/** Whether a process is not in the store. Its label is then the last known one, or `created`. */
export function isLost({ reason }: StateInfo): boolean {
  return reason === 'lost'
}
