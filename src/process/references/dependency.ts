import { milliseconds } from '../../shared/duration.ts'
import { checkOptions, isDuration, shown, type OptionNames } from '../../shared/options.ts'
import { AllowFailure } from '../host/input-marks.ts'
import type { AnyRef, Dependency } from '../host/launch-options.ts'
import { isReference, savedReference } from './reference.ts'
import type { PlacedReference } from './saved-references.ts'

/** How another process must end before the first step of a process. */
export interface Need {
  readonly pid: string
  readonly ended: 'successful' | 'failed' | 'either'
  /** Whether one process of those that are needed so is enough. */
  readonly any: boolean
}

/** Whether a process ended as it is needed to. */
export function isMet({ ended }: Pick<Need, 'ended'>, successful: boolean | null | undefined): boolean {
  return ended === 'either' || (ended === 'successful') === successful
}

/** The option `after` of a launch, as it is saved with the process. */
export interface SavedDependency {
  readonly needs: readonly Need[]
  /** Milliseconds from the launch. */
  readonly timeout?: number
}

const OPTIONS: OptionNames<Dependency> = {
  on: isListOfReferences,
  when: oneOf('all', 'any'),
  ended: oneOf('successful', 'failed', 'either'),
  timeout: isDuration,
}

/**
 * The saved form of the option `after`; undefined if there is nothing to wait for.
 *
 * @throws TypeError or RangeError for an invalid dependency
 */
export function savedDependency(
  after: readonly AnyRef[] | Dependency | undefined,
  what = 'launch: after',
): SavedDependency | undefined {
  if (after === undefined) return undefined
  if (Array.isArray(after)) isListOfReferences(what, after)
  const dependency = Array.isArray(after) ? { on: after as readonly AnyRef[] } : (after as Dependency)
  checkOptions(dependency, OPTIONS, what)
  const { on, when = 'all', ended = 'successful', timeout } = dependency
  isListOfReferences(`${what}: on`, on)
  if (on.length === 0) {
    if (when === 'all') return undefined
    throw new RangeError(`${what}: one of no processes never ends: give the list \`on\` a process`)
  }
  const any = when === 'any'
  const limit = timeout === undefined ? Number.POSITIVE_INFINITY : milliseconds(timeout)
  return {
    needs: on.map((one) => ({
      pid: savedReference(one).pid,
      ended: one instanceof AllowFailure ? 'either' : ended,
      any,
    })),
    ...(Number.isFinite(limit) && { timeout: limit }),
  }
}

/** What the references in inputs need: a successful end, or where a failure is allowed, any end. */
export function needsOf(references: readonly PlacedReference[], after?: SavedDependency): readonly Need[] {
  const needs = new Map<string, Need>()
  const add = (need: Need): void => void needs.set(`${need.ended} ${need.any} ${need.pid}`, need)
  for (const { pid, allowFailure } of references)
    add({ pid, ended: allowFailure === true ? 'either' : 'successful', any: false })
  for (const need of after?.needs ?? []) add(need)
  return [...needs.values()]
}

function isListOfReferences(what: string, value: unknown): void {
  if (!Array.isArray(value)) throw new TypeError(`${what} takes a list of handles, not ${shown(value)}`)
  for (const [index, one] of value.entries()) {
    if (isReference(one)) continue
    throw new TypeError(
      `${what}[${index}] takes a handle or a reference, not ${one instanceof Promise ? 'a promise: await `launch`' : shown(one)}`,
    )
  }
}

function oneOf(...known: readonly string[]): (what: string, value: unknown) => void {
  return (what, value) => {
    if (!known.includes(value as string))
      throw new TypeError(`${what} is one of ${known.join(', ')}, not ${shown(value)}`)
  }
}
