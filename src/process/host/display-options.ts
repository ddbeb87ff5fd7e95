import type { AbortSignal } from '../../shared/abort-signal.ts'
import { hasAll, isAbortSignal, isFlag, shown, type OptionNames } from '../../shared/options.ts'

/** A destination of output, such as `process.stdout`. */
export interface TextSink {
  /** Writes a text. The returned value is ignored. */
  write(text: string): unknown
}

/** Options of `display`. */
export interface DisplayOptions {
  /**
   * The order in which the output is written: first all of stdout and then all of stderr (`type`),
   * one process after the other (`order`), or those of one engine together (`worker`). With
   * `follow`, new output is written as it arrives. Default `type`.
   */
  readonly groupBy?: 'type' | 'worker' | 'order' | undefined
  /**
   * Whether to continue with new output until all processes have ended. Default false.
   */
  readonly follow?: boolean | undefined
  /** Ends the call, which then rejects with the reason of the signal. */
  readonly signal?: AbortSignal | undefined
  /** Default: the standard output of the program. */
  readonly stdout?: TextSink | undefined
  /** Default: the standard error of the program. */
  readonly stderr?: TextSink | undefined
}

const ORDERS: readonly unknown[] = ['type', 'worker', 'order']
const isSink = hasAll('a stream', ['write'])

export const DISPLAY_OPTIONS: OptionNames<DisplayOptions> = {
  groupBy: (what, value) => {
    if (!ORDERS.includes(value)) throw new TypeError(`${what} is ${ORDERS.join(', ')}, not ${shown(value)}`)
  },
  follow: isFlag,
  signal: isAbortSignal,
  stdout: isSink,
  stderr: isSink,
}
