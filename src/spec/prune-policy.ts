import { milliseconds, type Duration } from '../shared/duration.ts'
import { SpecError } from '../shared/errors.ts'
import { errorText } from '../shared/error-text.ts'
import { checkOptions, isDuration, shown, type OptionNames } from '../shared/options.ts'

/**
 * Which ended processes an engine deletes automatically: those that ended long ago, or all but the
 * newest. Give at least one of the two. With both, a process is deleted as soon as one of them
 * applies.
 */
export interface PruneOptions {
  /** Deletes a process this long after its end: milliseconds, or text such as `'30d'`. */
  readonly after?: Duration | undefined
  /** Keeps this many ended processes of a class, the most recently created ones. From 0. */
  readonly keep?: number | undefined
}

/** `PruneOptions` that were checked. */
export interface PrunePolicy {
  /** Milliseconds after the end; undefined for no limit. */
  readonly after: number | undefined
  readonly keep: number | undefined
}

const OPTIONS: OptionNames<PruneOptions> = {
  after: isDuration,
  keep: (what, value) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0)
      throw new RangeError(`${what} takes a whole number from 0, not ${shown(value)}`)
  },
}

/** @throws TypeError or RangeError for wrong options; `what` names them in the message */
export function isPruneOptions(what: string, value: unknown): void {
  const options = value as PruneOptions
  checkOptions(options, OPTIONS, what)
  if (options.after === undefined && options.keep === undefined)
    throw new TypeError(`${what} names no limit: give { after: '30d' }, { keep: 1000 } or both`)
}

/** The policy of an engine's option. */
export function prunePolicy({ after, keep }: PruneOptions): PrunePolicy {
  return { after: after === undefined ? undefined : milliseconds(after), keep }
}

/**
 * The policy that a class declares as `static prune`; undefined if it declares none.
 *
 * @throws SpecError for a wrong declaration
 */
export function prunePolicyOf(name: string, declared: PruneOptions | undefined): PrunePolicy | undefined {
  if (declared === undefined) return undefined
  try {
    isPruneOptions(`${name}.prune`, declared)
  } catch (error) {
    throw new SpecError(errorText(error), { cause: error })
  }
  return prunePolicy(declared)
}
