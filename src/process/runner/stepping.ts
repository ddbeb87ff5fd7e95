import { PortValidationError, TransitionError } from '../../shared/errors.ts'
import type { StepPlan } from '../definition/process-definition.ts'
import type { Woken } from './pending-requests.ts'
import { isThenable } from '../state/deferred.ts'
import type { MissingChild } from '../host/host.ts'
import type { Life } from './process-runner.ts'
import { afterConflict, afterFailure, policyOf, type Failed } from '../step/retry-outcome.ts'
import {
  excepted,
  finished,
  toldWake,
  type Running,
  type StateData,
  type Waiting,
} from '../state/state-data.ts'
import { afterWait } from '../step/command-outcome.ts'
import { ABANDONED } from './user-code.ts'

/** Runs the step of this state and makes the transition that it leads to. Without a promise where nothing is to be waited for. */
export function runStep(life: Life, stage: Running): Promise<void> | undefined {
  const ranBefore = life.beginAttempt()
  let plan: StepPlan
  try {
    plan = life.plan.step(stage.step)
    life.savings.mark(ranBefore || policyOf(life, plan) !== undefined)
  } catch (error) {
    return life.transition(excepted(error))
  }
  life.inStep = true
  const came = life.code.step(stage, plan)
  return isThenable(came)
    ? came.then((next) => stepEnded(life, stage, plan, next))
    : stepEnded(life, stage, plan, came)
}

function stepEnded(
  life: Life,
  stage: Running,
  plan: StepPlan,
  next: StateData | undefined,
): Promise<void> | undefined {
  life.inStep = false
  const counts = next !== undefined && next.label !== 'excepted' && !life.control.overrules
  const leftOver = counts ? life.leftOver() : undefined
  // Another attempt would come to the same.
  const wrong = life.refusal ?? leftOver
  life.endAttempt()
  life.assertAttached()
  const to = wrong === undefined || next === undefined ? next : excepted(wrong)
  const goOn = (): Promise<void> | undefined => afterStep(life, stage, plan, to, wrong !== undefined)
  // It was paused where it waited, and has ended by another branch: it does not move before it is played (C7).
  return life.held ? life.whilePaused().then(goOn) : goOn()
}

/** `final`: whether it is not retried, whatever it came to. */
function afterStep(
  life: Life,
  stage: Running,
  plan: StepPlan,
  next: StateData | undefined,
  final: boolean,
): Promise<void> | undefined {
  // A kill or a failure drops what the step came to.
  if (next === undefined || life.control.overrules) return undefined
  const { conflict } = life
  if (conflict !== undefined) return again(life, afterConflict(stage, conflict, life))
  if (final) return life.transition(next)
  const failed = next.label === 'excepted' ? afterFailure(stage, plan, next.error, life) : undefined
  if (failed !== undefined && failed.to.label !== 'excepted') return again(life, failed)
  // The retry rule may have failed itself: then that is what the process ends with.
  const to = failed?.to ?? next
  const missing = life.host.missing?.(life.control)
  return missing === undefined ? life.transition(to) : afterLooking(life, stage, to, missing)
}

/** A step that ran again, and may have launched children before: none of them is left behind silently. */
async function afterLooking(
  life: Life,
  stage: Running,
  next: StateData,
  looking: Promise<readonly MissingChild[]>,
): Promise<void> {
  let missing: readonly MissingChild[] = []
  try {
    missing = await life.code.awaited(looking)
  } catch (error) {
    if (error !== ABANDONED) throw life.lost(error)
  }
  life.assertAttached()
  if (life.control.overrules) return
  if (missing.length === 0) return life.transition(next)
  const conflict = notLaunchedAgain(life, stage, missing)
  if (next.label !== 'excepted') return again(life, afterConflict(stage, conflict, life))
  // It may have failed before it came to them.
  const { pid, plan, log } = life
  log.warn({ pid, process: plan.name, children: missing.map((child) => child.pid) }, conflict.message)
  return life.transition(next)
}

function notLaunchedAgain({ plan }: Life, { step }: Running, missing: readonly MissingChild[]): Error {
  const named = missing.slice(0, 3).map(({ className, pid }) => `${className} ${pid}`)
  const rest = missing.length - named.length
  const children = `${named.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
  return new TransitionError(
    `the step ${plan.name}.${step} has launched ${children} before, and has not launched ${missing.length === 1 ? 'it' : 'them'} when it ran again: ` +
      'its inputs were others, or the code has changed. Let the step launch the same children with the same inputs, or kill those that it is to go on without; then play the process',
  )
}

/** After a failure: another attempt later, or, with a message, when somebody plays it. */
function again(life: Life, { to, failed, pause }: Failed): Promise<void> | undefined {
  if (to.label !== 'excepted') life.savings.rollBack()
  if (pause !== undefined) life.control.pauseItself(pause)
  return life.transition(to, undefined, failed)
}

/** Ends a wait, and makes the transition to what comes after it. */
export async function wakeUp(life: Life, waiting: Waiting, woken: Woken | undefined): Promise<void> {
  const { step, on, into, at, retry } = waiting
  const wake = woken?.wake
  if (retry !== undefined && step !== null) {
    const { failure: _, ...facts } = retry
    return life.transition({ label: 'running', step, ...facts }, wake)
  }
  // One that was sent by name may have been checked by nobody.
  if (wake?.by === 'signal' && waiting.receive !== undefined) {
    const problems = life.plan.spec.checkSignal(waiting.receive, woken?.value)
    if (problems.length > 0) return life.transition(excepted(new PortValidationError(problems)), wake)
  }
  const ended = wake?.by === 'handles' ? on : undefined
  // What ended is fetched by the step; without one it is the result.
  if (ended !== undefined && step === null && at === undefined) {
    try {
      return await life.transition(finished(await life.code.ended(ended)), wake)
    } catch (error) {
      if (error !== ABANDONED) throw error
      return undefined
    }
  }
  const args = wake === undefined || ended !== undefined ? [] : [woken?.value, toldWake(wake)]
  const facts = { ...(ended && { ended }), ...(into && { into }), at }
  return life.transition(afterWait(life, step, args, facts), wake)
}
