import { errorText } from '../../shared/error-text.ts'
import { RemoteException } from '../../shared/errors.ts'
import { shown } from '../../shared/options.ts'
import type { Duration } from '../../shared/duration.ts'
import type { Broadcast } from '../../process/host/remote.ts'
import type { BroadcastFilter } from './communicator.ts'

/* What all communicators share. */

/** How long an RPC waits for its answer, unless its options say otherwise. */
export const RPC_TIMEOUT: Duration = '1m'
/** How long a task waits for its result, unless its options say otherwise. */
export const TASK_TIMEOUT: Duration = '1h'
/** How long a task that all subscribers have rejected waits before it is delivered again, in milliseconds. */
export const REJECTED_DELAY = 1_000

/** The note on an RPC whose answer comes too late. */
export const RPC_GOES_ON = 'it may still be handled'
/** The note on a task whose result comes too late. */
export const TASK_GOES_ON = 'the task stays queued until someone has handled it'

/** The text of an error for the other side. */
export function remoteText(error: unknown): string {
  if (!(error instanceof Error)) return errorText(error)
  return error.name === 'Error' || error.name === '' ? error.message : `${error.name}: ${error.message}`
}

/** The error of a request that failed on the other side. */
export function remoteException(text: unknown): RemoteException {
  return new RemoteException(typeof text === 'string' ? text : `an error without a text: ${shown(text)}`)
}

/** Whether a subscriber with this filter receives a broadcast. */
export function isHeard({ subject }: Broadcast, { subject: wanted }: BroadcastFilter): boolean {
  if (wanted === undefined) return true
  if (typeof wanted === 'string') return subject === wanted
  // A global expression keeps the index where it stopped.
  wanted.lastIndex = 0
  return wanted.test(subject ?? '')
}
