import type { ProcessError } from '../../shared/errors.ts'
import type {
  DoneRef,
  OutputRef,
  ProcessHandle,
  ResultOptions,
  Settled,
  WaitOptions,
} from '../host/process-handle.ts'
import { unsuccessfulError } from '../state/unsuccessful.ts'
import { withinStep } from '../step/operation.ts'
import { outputValue } from './output-value.ts'

/** See `Outputs.ref`. */
export class OutputReference implements OutputRef {
  declare readonly '~value': unknown
  readonly handle: ProcessHandle
  readonly key: string | number

  constructor(handle: ProcessHandle, key: string | number) {
    this.handle = handle
    this.key = key
  }

  get pid(): string {
    return this.handle.pid
  }

  result({ raiseOnFailure = true, ...options }: ResultOptions = {}): Promise<unknown> {
    const reading = settledOutput(this.handle, this.key, options).then((outcome) => {
      if (outcome.status === 'fulfilled') return outcome.value
      if (!raiseOnFailure) return outcome.reason
      throw outcome.reason
    })
    return withinStep(reading)
  }

  toJSON(): { readonly $process: string; readonly output: string | number } {
    return { $process: this.pid, output: this.key }
  }
}

/** See `Outputs.done`. */
export class DoneReference implements DoneRef {
  declare readonly '~done': true
  readonly handle: ProcessHandle

  constructor(handle: ProcessHandle) {
    this.handle = handle
  }

  get pid(): string {
    return this.handle.pid
  }

  result(options: WaitOptions = {}): Promise<true> {
    const { handle } = this
    const reading = handle.outcome(options).then(({ status, state, ...outcome }) => {
      if (status === 'rejected') throw (outcome as { readonly reason: ProcessError }).reason
      if (!state.successful) throw unsuccessfulError(handle.pid, handle.name, state)
      return true as const
    })
    return withinStep(reading)
  }

  toJSON(): { readonly $process: string; readonly done: true } {
    return { $process: this.pid, done: true }
  }
}

/** The outcome of a process with the value under a key. A missing value counts as a failure. */
export async function settledOutput(
  handle: ProcessHandle,
  key: string | number,
  options: WaitOptions,
): Promise<Settled<unknown>> {
  const outcome = await handle.outcome(options)
  if (outcome.status === 'rejected') return outcome
  const { state } = outcome
  const outputs = await handle.outputs.snapshot()
  try {
    return { status: 'fulfilled', value: outputValue(handle.pid, key, outputs, outcome.value), state }
  } catch (reason) {
    return { status: 'rejected', reason: reason as ProcessError, state }
  }
}
