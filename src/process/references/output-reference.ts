import { MissingResult, type ProcessError } from '../../shared/errors.ts'
import { checkOptions, isAbortSignal, isFlag, type OptionNames } from '../../shared/options.ts'
import type {
  DoneRef,
  OutputRef,
  ProcessHandle,
  ResultOptions,
  Settled,
  SizeOptions,
  WaitOptions,
} from '../host/process-handle.ts'
import { unsuccessfulError } from '../state/unsuccessful.ts'
import { withinStep } from '../step/operation.ts'
import { outputValue } from './output-value.ts'

/** A handle that knows how large its outputs are. */
interface SizedHandle extends ProcessHandle {
  outputSize(key: string | number, options: SizeOptions): Promise<number>
}

/** The options of `size`, with the checks of their values. */
export const SIZE_OPTIONS: OptionNames<SizeOptions> = {
  remoteOnly: isFlag,
  timeout: true,
  signal: isAbortSignal,
}

/** See `Outputs.ref`. */
export class OutputReference implements OutputRef {
  declare readonly '~value': unknown
  readonly handle: SizedHandle
  readonly key: string | number

  constructor(handle: SizedHandle, key: string | number) {
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

  async size(options: SizeOptions = {}): Promise<number> {
    checkOptions(options, SIZE_OPTIONS, 'size')
    return withinStep(this.handle.outputSize(this.key, options))
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
    const reading = handle.outcome(options).then((outcome) => {
      const { status, state } = outcome
      // The end stays, even if the value was dropped.
      if (status === 'rejected' && !isDropped(outcome)) throw outcome.reason
      if (!state.successful) throw unsuccessfulError(handle.pid, handle.name, state)
      return true as const
    })
    return withinStep(reading)
  }

  /** No value is stored for it. */
  async size(): Promise<0> {
    return 0
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

/** Whether the result of a process was dropped. That does not count as a failure of the process. */
export function isDropped(outcome: Settled<unknown>): boolean {
  return outcome.status === 'rejected' && outcome.reason instanceof MissingResult
}
