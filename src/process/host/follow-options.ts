import type { AbortSignal } from '../../shared/abort-signal.ts'
import { isAbortSignal, isFlag, type OptionNames } from '../../shared/options.ts'

/** Options of `logs` and `events`. */
export interface FollowOptions {
  /**
   * Whether to continue with each new entry until the process has ended. Default false: only what
   * is stored now.
   */
  readonly follow?: boolean | undefined
  /** Only entries after the one with this number (`n`). Default 0: from the first one on. */
  readonly after?: number | undefined
  /** Ends the loop, which then rejects with the reason of the signal. */
  readonly signal?: AbortSignal | undefined
}

export const FOLLOW_OPTIONS: OptionNames<FollowOptions> = {
  follow: isFlag,
  after: isNumberOfEntry,
  signal: isAbortSignal,
}

function isNumberOfEntry(what: string, value: unknown): void {
  if (!Number.isInteger(value) || (value as number) < 0)
    throw new RangeError(`${what} takes the \`n\` of an entry, or 0, not ${String(value)}`)
}
