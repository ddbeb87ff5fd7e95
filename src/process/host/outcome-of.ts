import { ProcessError } from '../../shared/errors.ts'
import type { ProcessHandle, Settled } from './process-handle.ts'

/**
 * How a process that has ended came out: with its result, or with its outputs. A process that
 * finished without success has no outputs to rely on, so it then counts as failed.
 */
export async function outcomeOf(handle: ProcessHandle, outputs: boolean): Promise<Settled<unknown>> {
  const outcome = await handle.outcome()
  if (!outputs || outcome.status === 'rejected') return outcome
  const { state } = outcome
  try {
    return { status: 'fulfilled', value: await handle.outputs.all(), state }
  } catch (error) {
    if (!(error instanceof ProcessError)) throw error
    return { status: 'rejected', reason: error, state }
  }
}
