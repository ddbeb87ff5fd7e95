import { preview } from '../../ports/plain.ts'
import { TransitionError } from '../../shared/errors.ts'
import { ExitCode } from '../../spec/exit-code.ts'
import type { Outline } from '../../spec/outline.ts'
import { shaped, type Awaits } from '../state/awaits.ts'
import { Continue, Kill, Stop, UnsuccessfulResult, Wait } from '../state/commands.ts'
import { ToContext, updatesOf } from './context.ts'
import { isThenable } from '../state/deferred.ts'
import type { Life } from '../runner/process-runner.ts'
import { undeclared } from './signal-receiver.ts'
import { finished, killed, type StateData, type StepFacts } from '../state/state-data.ts'
import { timeAfter } from './suspension.ts'

/** The stage that a step leads to by what it returned. */
export function stageAfter(life: Life, value: unknown, { at }: Pick<StepFacts, 'at'>): StateData {
  const { plan } = life
  if (value === undefined) return finished(undefined)
  if (value instanceof Continue) {
    const place = at !== undefined && { at }
    return { label: 'running', step: plan.stepName(value.step), args: life.own(value.args), ...place }
  }
  if (value instanceof Wait) return stageOfWait(life, value, at)
  if (value instanceof Stop) return finished(value.result, value.successful, value.exitCode)
  if (value instanceof Kill) return killed(value.message)
  if (value instanceof UnsuccessfulResult) return finished(value.result, false)
  if (value instanceof ExitCode) return finished(undefined, value.code === 0, value)
  if (value instanceof ToContext) {
    throw new TransitionError(
      `${plan.name} has no outline: only the steps of a work chain return toContext({ … })`,
    )
  }
  return finished(value)
}

function stageOfWait(life: Life, wait: Wait, at: string | undefined): StateData {
  const { plan, host } = life
  const { receive, on, until = wait.for === undefined ? undefined : timeAfter(host.clock, wait.for) } = wait
  const step = wait.step === undefined ? null : plan.stepName(wait.step)
  if (receive !== undefined && !plan.spec.hasSignal(receive)) {
    throw undeclared(plan.name, receive, plan.spec.signals.keys())
  }
  // All of no processes have ended already.
  if (on?.pids.length === 0) return afterWait(life, step, [shaped(on, []), { by: 'handles' }], { at })
  return {
    label: 'waiting',
    step,
    message: wait.message,
    data: life.own(wait.data),
    ...(receive !== undefined && { receive }),
    ...(until !== undefined && { until }),
    ...(on !== undefined && { on }),
    ...(at !== undefined && { at }),
  }
}

/**
 * What follows a wait that has ended: its step; without one, a work chain goes on from where it was, and any other process finishes with
 * the value.
 */
export function afterWait(
  { plan }: Life,
  step: string | null,
  args: readonly unknown[],
  { at, ...facts }: Omit<StepFacts, 'args' | 'onward'>,
): StateData {
  if (step !== null) return { label: 'running', step, args, ...(at !== undefined && { at }), ...facts }
  if (at === undefined) return finished(args[0])
  return { label: 'running', step: plan.outline?.stepAt(at) ?? 'run', args: [], at, onward: true, ...facts }
}

/**
 * The stage that a step of an outline leads to: what it gave for the context is waited for, or the outline says what is next, or the
 * step did. A predicate that fails counts as a failure of the step.
 */
export async function stageInOutline(
  life: Life,
  outline: Outline,
  returned: unknown,
  { at }: Pick<StepFacts, 'at'>,
): Promise<StateData> {
  const { process } = life
  const place = at !== undefined && { at }
  const updates = updatesOf(life.updates, returned)
  if (updates === undefined) return stageAfter(life, returned, { at })
  const { pids, into } = updates.apply(process.ctx as Record<string, unknown>)
  if (pids.length > 0) {
    const message = `waits for ${pids.length === 1 ? `process ${pids[0]}` : `${pids.length} processes`}`
    const on: Awaits = { pids, as: 'list', any: false }
    return { label: 'waiting', step: null, message, data: undefined, on, into, ...place }
  }
  const going = outline.next(at ?? null, (predicate) => test(life, predicate))
  const next = isThenable(going) ? await life.code.awaited(going) : going
  updates.assertNone()
  if (next.kind === 'step') return { label: 'running', step: next.step, args: [], at: next.at }
  return next.kind === 'return' && next.exitCode !== undefined
    ? finished(undefined, next.exitCode.code === 0, next.exitCode)
    : finished(undefined)
}

function test({ code }: Life, predicate: string): boolean | Promise<boolean> {
  const said = code.predicate(predicate)
  return isThenable(said)
    ? Promise.resolve(said).then((value) => truth(predicate, value))
    : truth(predicate, said)
}

/** @throws TransitionError for what is no boolean: that a value is there says nothing of whether to go on */
function truth(predicate: string, said: unknown): boolean {
  if (typeof said === 'boolean') return said
  throw new TransitionError(`the predicate ${predicate} gave ${preview(said)}: it has to give true or false`)
}
