import { SerializationError } from '../../shared/errors.ts'
import { checkOptions, isFlag } from '../../shared/options.ts'
import type { Life } from '../runner/process-runner.ts'
import { decided, ruleFor } from './retry-outcome.ts'
import { errorText } from '../state/state-data.ts'
import type { Use } from './step-journal.ts'

/** What an effect is given. */
export interface EffectContext {
  /**
   * The same for every attempt at this effect of this step, also after a crash or a restart of the failed process: give it to whoever does the
   * thing, so that it is done once.
   */
  readonly idempotencyKey: string
  /** As `process.signal`. */
  readonly signal: AbortSignal
}

export interface EffectOptions {
  /** Whether a failure is recorded too: the step, run again, gets the same error and the effect is not tried again. Default false. */
  readonly recordFailure?: boolean | undefined
}

/** A named action of a step, whose result is recorded once (C6). */
export async function effect(
  life: Life,
  use: Use,
  action: (context: EffectContext) => unknown,
  options: EffectOptions,
): Promise<unknown> {
  checkOptions(options, { recordFailure: isFlag }, 'effect')
  const { recordFailure = false } = options
  const { record } = life
  const { entry, name } = use
  const known = record.get(entry)
  if (known !== undefined) {
    if (!('error' in known)) return known['value']
    if (typeof known['retried'] === 'boolean') decided(known['error'], known['retried'])
    throw known['error']
  }
  const { pid, number } = life.stepKey
  const { hurdle } = life
  if (hurdle !== undefined) await hurdle
  const idempotencyKey = `${pid}/${number}/${entry.slice('effect:'.length)}`
  const came = await record.during(attempt(action, { idempotencyKey, signal: life.control.signal }))
  if ('value' in came) {
    await record.add(entry, came, { history: { name: 'effect', data: { name } } })
    life.leaveSoon()
    return came.value
  }
  if (recordFailure) await addFailure(life, use, came.error)
  life.leaveSoon()
  throw came.error
}

/**
 * Records a failure together with what the retry rule says of it, which would not know it again: its class may be lost. An error that
 * can't be saved as it is, since it carries a function, say, is recorded by its name, message, code and cause.
 */
async function addFailure(life: Life, { entry, name }: Use, error: unknown): Promise<void> {
  const { record } = life
  const history = { name: 'effect', data: { name, failed: errorText(error) } }
  const retried = ruleFor(life, error)
  const rule = retried !== undefined && { retried }
  const add = (what: unknown): Promise<void> => record.add(entry, { error: what, ...rule }, { history })
  try {
    await add(error)
  } catch (refused) {
    if (!(refused instanceof SerializationError)) throw refused
    await add(new Error(errorText(error)))
  }
  if (error instanceof Error) reportLostClass(life, name, error, record.get(entry)?.['error'])
}

/** The code that catches it when the step runs again finds another class. */
function reportLostClass({ pid, plan, log }: Life, effect: string, error: Error, restored: unknown): void {
  const before: unknown = Object.getPrototypeOf(error)
  const after: unknown = restored instanceof Error ? Object.getPrototypeOf(restored) : before
  if (after === before) return
  const [from, to] = [classOf(before), classOf(after)]
  log.warn(
    { pid, process: plan.name, effect, errorClass: from },
    `a recorded failure of class ${from} is thrown as ${to} when its step runs again; its name, message, code and cause stay. Tell it by its name or code, or register the class in \`types\``,
  )
}

function classOf(prototype: unknown): string {
  const made: unknown = (prototype as { readonly constructor?: unknown } | null)?.constructor
  return typeof made === 'function' && made.name !== '' ? made.name : 'an unnamed class'
}

async function attempt(
  action: (context: EffectContext) => unknown,
  context: EffectContext,
): Promise<{ readonly value: unknown } | { readonly error: unknown }> {
  try {
    return { value: await action(context) }
  } catch (error) {
    return { error }
  }
}
