import { copyOf } from '../../ports/plain.ts'
import { TransitionError } from '../../shared/errors.ts'
import { ExitCode } from '../../spec/exit-code.ts'
import type { OutlineNext } from '../../spec/outline-walk.ts'
import type { ProcessDefinition } from '../definition/process-definition.ts'
import type { Host } from '../host/host.ts'
import { shaped } from '../state/awaits.ts'
import { Continue, Kill, Stop, UnsuccessfulResult, Wait } from '../state/commands.ts'
import {
  finished,
  killed,
  type ContextTarget,
  type StateData,
  type StepFacts,
  type Waiting,
} from '../state/state-data.ts'
import { ToContext } from './context.ts'
import { timeAfter, waitsForText } from './wait-conditions.ts'

/*
 * Decides which state follows a step.
 */

/**
 * The state that a step leads to by the value that it returned. `position` is where in its outline
 * a work chain is.
 *
 * @throws TransitionError for a command that the class can't follow
 * @throws SpecError for a signal that the class does not declare
 */
export function commandOutcome(
  definition: ProcessDefinition,
  value: unknown,
  position: string | undefined,
  now: number,
): StateData {
  if (value === undefined) return finished(undefined)
  if (value instanceof Continue) {
    const at = position !== undefined && { at: position }
    return { label: 'running', step: definition.stepName(value.step), args: value.args, ...at }
  }
  if (value instanceof Wait) return waitOutcome(definition, value, position, now)
  if (value instanceof Stop) return finished(value.result, value.successful, value.exitCode)
  if (value instanceof Kill) return killed(value.message)
  if (value instanceof UnsuccessfulResult) return finished(value.result, false)
  if (value instanceof ExitCode) return finished(undefined, value.code === 0, value)
  if (value instanceof ToContext) {
    throw new TransitionError(
      `${definition.name} has no outline: only the steps of a work chain return toContext({ … })`,
    )
  }
  return finished(value)
}

function waitOutcome(
  definition: ProcessDefinition,
  wait: Wait,
  at: string | undefined,
  now: number,
): StateData {
  const { receive, on, until = wait.for === undefined ? undefined : timeAfter(now, wait.for) } = wait
  const step = wait.step === undefined ? null : definition.stepName(wait.step)
  if (receive !== undefined) definition.requireSignal(receive)
  // If there are no processes, all of them have ended.
  if (on?.pids.length === 0) {
    const args = [shaped(on, []), { by: 'handles' }]
    return afterWait(definition, step, { args, woken: true }, { at })
  }
  return {
    label: 'waiting',
    step,
    message: wait.message,
    data: wait.data,
    ...(receive !== undefined && { receive }),
    ...(until !== undefined && { until }),
    ...(on !== undefined && { on }),
    ...(at !== undefined && { at }),
  }
}

/**
 * The state after a wait that has ended: its step. Without one, a work chain continues from where
 * it was, and any other process finishes with the value.
 */
export function afterWait(
  definition: ProcessDefinition,
  step: string | null,
  given: Pick<StepFacts, 'args' | 'woken'>,
  { at, ...facts }: Omit<StepFacts, 'args' | 'woken' | 'onward'>,
): StateData {
  if (step !== null) return { label: 'running', step, ...given, ...(at !== undefined && { at }), ...facts }
  if (at === undefined) return finished(given.args[0])
  const next = definition.outline?.stepAt(at) ?? 'run'
  return { label: 'running', step: next, args: [], at, onward: true, ...facts }
}

/**
 * The wait of a work chain for the processes whose results go into its context; undefined if
 * there are none.
 */
export function contextWait(
  { pids, into }: { readonly pids: readonly string[]; readonly into: readonly ContextTarget[] },
  position: string | undefined,
): Waiting | undefined {
  if (pids.length === 0) return undefined
  const message = waitsForText(pids)
  const on = { pids, as: 'list', any: false } as const
  const at = position !== undefined && { at: position }
  return { label: 'waiting', step: null, message, data: undefined, on, into, ...at }
}

/** The state that the outline of a work chain leads to. */
export function outlineOutcome(next: OutlineNext): StateData {
  if (next.kind === 'step') return { label: 'running', step: next.step, args: [], at: next.at }
  return next.kind === 'return' && next.exitCode !== undefined
    ? finished(undefined, next.exitCode.code === 0, next.exitCode)
    : finished(undefined)
}

/**
 * The same state with copies of the values that the step gave, so that later changes by the step do
 * not reach the saved state.
 */
export function withOwnCopies(host: Host, state: StateData): StateData {
  if (state.label === 'running') {
    const args = ownCopy(host, state.args)
    return args === state.args ? state : { ...state, args }
  }
  if (state.label === 'waiting') {
    const data = ownCopy(host, state.data)
    return data === state.data ? state : { ...state, data }
  }
  return state
}

function ownCopy<T>(host: Host, value: T): T {
  if (typeof value !== 'object' || value === null || (Array.isArray(value) && value.length === 0))
    return value
  return host.durable ? (host.codec.copy(value) as T) : copyOf(value)
}
