import { AsyncResource } from 'node:async_hooks'
import type { AbortSignal } from '../../shared/abort-signal.ts'
import { SerializationError } from '../../shared/errors.ts'
import { checkOptions, isFlag } from '../../shared/options.ts'
import type { Came, Transaction } from '../host/transaction.ts'
import type { HistoryEvent } from '../state/history-event.ts'
import type { CurrentStep } from './current-step.ts'
import { decided, ruleFor } from './retry-outcome.ts'
import { logOf, stepKeyOf, type RunState } from './run-state.ts'
import { errorText } from '../state/state-data.ts'
import type { Use } from './step-journal.ts'

/** The argument of an effect. */
export interface EffectContext {
  /**
   * The same for every attempt at this effect of this step, also after a crash or a restart of the
   * failed process. Pass the key to the service that performs the action, so that the service
   * performs it once.
   */
  readonly idempotencyKey: string
  /** As `process.signal`. */
  readonly signal: AbortSignal
}

/** Options of `effect`. */
export interface EffectOptions {
  /**
   * Whether a failure is recorded too. If the step runs again, it then gets the same error and the
   * effect is not tried again. Default false.
   */
  readonly recordFailure?: boolean | undefined
}

/** Performs a named action of a step and records its result once (C6). */
export function effect(
  step: CurrentStep,
  use: Use,
  action: (context: EffectContext) => unknown,
  options: EffectOptions,
): Promise<unknown> {
  const { journal } = step
  return once(step, use, 'effect', options, async (context) => {
    const came = await journal.during(attempt(() => action(context)))
    if ('value' in came) await journal.add(use.entry, came, { history: historyOf(use) })
    return came
  })
}

/**
 * Calls a function within a transaction of the store, and records what it returns in the same
 * transaction (C6).
 */
export function transaction(
  step: CurrentStep,
  use: Use,
  action: (tx: Transaction, context: EffectContext) => unknown,
  options: EffectOptions,
): Promise<unknown> {
  // The store may call it.
  const here = AsyncResource.bind(action)
  return once(step, use, 'transaction', options, (context) =>
    step.journal.addWithin(use.entry, (tx) => here(tx, context), { history: historyOf(use) }),
  )
}

/**
 * Returns the recorded result, if there is one. Otherwise performs the action now; `perform`
 * records a success.
 */
async function once(
  step: CurrentStep,
  use: Use,
  call: string,
  options: EffectOptions,
  perform: (context: EffectContext) => Promise<Came>,
): Promise<unknown> {
  checkOptions(options, { recordFailure: isFlag }, call)
  const { recordFailure = false } = options
  const { run, journal } = step
  const { entry } = use
  const known = journal.get(entry)
  if (known !== undefined) {
    if (!('error' in known)) return known['value']
    if (typeof known['retried'] === 'boolean') decided(known['error'], known['retried'])
    throw known['error']
  }
  const { pid, number } = stepKeyOf(run)
  const { barrier } = step
  if (barrier !== undefined) await barrier
  const idempotencyKey = `${pid}/${number}/${entry.slice('effect:'.length)}`
  const came = await perform({ idempotencyKey, signal: step.cancellation.signal })
  if ('error' in came && recordFailure) await addFailure(step, use, came.error)
  step.leaveSoon()
  if ('error' in came) throw came.error
  return came.value
}

function historyOf({ name }: Use): HistoryEvent {
  return { name: 'effect', data: { name } }
}

/**
 * Records a failure together with the decision of the retry rule, which may not recognise the
 * failure later: its class may be lost. An error that can't be saved as it is, for example because
 * it carries a function, is recorded by its name, message, code and cause.
 */
async function addFailure(
  { run, journal }: CurrentStep,
  { entry, name }: Use,
  error: unknown,
): Promise<void> {
  const history = { name: 'effect', data: { name, failed: errorText(error) } } as const
  const retried = ruleFor(run, error)
  const rule = retried !== undefined && { retried }
  const add = (what: unknown): Promise<void> => journal.add(entry, { error: what, ...rule }, { history })
  try {
    await add(error)
  } catch (refused) {
    if (!(refused instanceof SerializationError)) throw refused
    await add(new Error(errorText(error)))
  }
  if (error instanceof Error) reportLostClass(run, name, error, journal.get(entry)?.['error'])
}

/** Warns that code which catches the error when the step runs again finds another class. */
function reportLostClass(run: RunState, effect: string, error: Error, restored: unknown): void {
  const before: unknown = Object.getPrototypeOf(error)
  const after: unknown = restored instanceof Error ? Object.getPrototypeOf(restored) : before
  if (after === before) return
  const [from, to] = [classOf(before), classOf(after)]
  logOf(run).warn(
    { pid: run.pid, process: run.definition.name, effect, errorClass: from },
    `a recorded failure of class ${from} is thrown as ${to} when its step runs again; its name, message, code and cause stay. Tell it by its name or code, or register the class in \`types\``,
  )
}

function classOf(prototype: unknown): string {
  const made: unknown = (prototype as { readonly constructor?: unknown } | null)?.constructor
  return typeof made === 'function' && made.name !== '' ? made.name : 'an unnamed class'
}

async function attempt(action: () => unknown): Promise<Came> {
  try {
    return { value: await action() }
  } catch (error) {
    return { error }
  }
}
