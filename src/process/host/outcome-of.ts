import { ProcessError } from '../../shared/errors.ts'
import type { ProcessHandle, Settled } from './process-handle.ts'

/**
 * The outcome of an ended process, with its result or with its outputs. A process that finished
 * without success may lack outputs, so with outputs it counts as failed.
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
