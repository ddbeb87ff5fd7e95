import type { ProcessRow } from '../../persistence/contract/rows.ts'
import { isBackingOff } from '../../process/state/process-state.ts'

/** A bulk request to unfinished processes. */
export type BulkRequest = 'pause' | 'play' | 'kill' | 'retry' | 'signal'

/**
 * Whether a bulk request reaches an unfinished process that matches its filter. With
 * `deliberate: false`, a play or a signal leaves out processes that someone has paused on purpose;
 * a retry always does.
 */
export function reaches(request: BulkRequest, row: ProcessRow, deliberate: boolean): boolean {
  const { paused, pauseRequested, parked } = row
  const isDeliberate = paused?.cause === 'request' || pauseRequested !== null
  switch (request) {
    case 'pause':
    case 'kill':
      return true
    case 'signal':
      return deliberate || !isDeliberate
    case 'play':
      return (paused !== null || pauseRequested !== null || parked !== null) && (deliberate || !isDeliberate)
    case 'retry':
      return (paused === null ? isBackingOff(row) : paused.cause !== 'request') || parked !== null
  }
}
