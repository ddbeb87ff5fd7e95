import { SerializationError } from '../shared/errors.ts'
import type { Life } from './life.ts'
import { errorText } from './stage.ts'
import type { StepRecord, Use } from './step-record.ts'

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
  { entry, name }: Use,
  action: (context: EffectContext) => unknown,
  { recordFailure = false }: EffectOptions,
): Promise<unknown> {
  const { record } = life
  const known = record.get(entry)
  if (known !== undefined) {
    if ('error' in known) throw known['error']
    return known['value']
  }
  const { pid, number } = life.stepKey
  const idempotencyKey = `${pid}/${number}/${entry.slice('effect:'.length)}`
  const came = await record.during(attempt(action, { idempotencyKey, signal: life.control.signal }))
  if ('value' in came) {
    await record.add(entry, came, { history: { name: 'effect', data: { name } } })
    life.leaveSoon()
    return came.value
  }
  if (recordFailure) await addFailure(record, entry, name, came.error)
  life.leaveSoon()
  throw came.error
}

/** An error that can't be saved as it is, since it carries a function, say, is recorded by its name and message. */
async function addFailure(record: StepRecord, entry: string, name: string, error: unknown): Promise<void> {
  const history = { name: 'effect', data: { name, failed: errorText(error) } }
  try {
    await record.add(entry, { error }, { history })
  } catch (refused) {
    if (!(refused instanceof SerializationError)) throw refused
    const plain = new Error(errorText(error))
    if (error instanceof Error) plain.name = error.name
    await record.add(entry, { error: plain }, { history })
  }
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
