import { LAST_DATE } from '../../shared/duration.ts'
import { NonRetryableError, SerializationError, UpstreamFailed } from '../../shared/errors.ts'
import type { RetryPolicy } from '../../spec/retry-policy.ts'
import type { StepPlan } from '../definition/process-definition.ts'
import type { FailedAttempt } from '../state/transition.ts'
import type { Life } from '../runner/process-runner.ts'
import { errorText, excepted, type Running, type StateData, type StepFacts } from '../state/state-data.ts'
import { timeAfter } from './suspension.ts'

/** What follows a failed attempt of a step. */
export interface Failed {
  readonly to: StateData
  readonly failed?: FailedAttempt | undefined
  /** Set where the process is to be paused with it. */
  readonly pause?: string | undefined
}

/** The retries of a step: its own, else those of the launch, else those of the class. */
export function policyOf({ launchRetry }: Life, { retry, ownRetry }: StepPlan): RetryPolicy | undefined {
  return launchRetry === undefined || ownRetry ? retry : launchRetry
}

/** After an attempt has thrown: a back-off and then the next one, a pause when they have run out and that is declared, or the end. */
export function afterFailure(stage: Running, plan: StepPlan, error: unknown, life: Life): Failed {
  const policy = policyOf(life, plan)
  if (policy === undefined || isFinal(error)) return { to: excepted(error) }
  try {
    if (!(decisionOn(error) ?? policy.covers(error))) return { to: excepted(error) }
  } catch (failure) {
    return { to: excepted(failure) }
  }
  const { step } = stage
  const attempt = stage.attempt ?? 1
  const { attempts } = policy
  const message = errorText(error)
  const facts = { ...stepFacts(stage), number: life.stepKey.number }
  if (attempt >= attempts) {
    if (policy.whenExhausted !== 'pause') return { to: excepted(error) }
    return {
      to: { label: 'running', step, ...facts, failure: message },
      failed: { step, attempt, attempts, message, until: null },
      pause: `${step} failed ${attempt} of ${attempts} times (${message}); play tries it ${attempts === 1 ? 'once' : `${attempts} times`} more`,
    }
  }
  const until = Math.ceil(timeAfter(life.host.clock, policy.delay(attempt + 1, Math.random)) ?? LAST_DATE)
  const next = new Date(until).toISOString()
  return {
    to: {
      label: 'waiting',
      step,
      message: `${step} failed ${attempt} of ${attempts} (${message}), next try ${next}`,
      data: undefined,
      until,
      ...(stage.at !== undefined && { at: stage.at }),
      retry: { ...facts, attempt: attempt + 1, failure: message },
    },
    failed: { step, attempt, attempts, message, until },
  }
}

/** After a step that ran again has not done what it did before: somebody has to look at it. */
export function afterConflict(stage: Running, error: Error, life: Life): Failed {
  const facts = { ...stepFacts(stage), number: life.stepKey.number }
  const attempt = stage.attempt ?? 1
  return {
    to: { label: 'running', step: stage.step, ...facts, ...(attempt > 1 && { attempt }) },
    pause: error.message,
  }
}

/** What the retry rule said of failures that are recorded. */
const decisions = new WeakMap<object, boolean>()

/** Whether a failure is to be retried was decided when it was recorded. */
export function decided(error: unknown, retried: boolean): void {
  if (typeof error === 'object' && error !== null) decisions.set(error, retried)
}

function decisionOn(error: unknown): boolean | undefined {
  return typeof error === 'object' && error !== null ? decisions.get(error) : undefined
}

/** What the rule of the step that runs says of a failure; undefined where it has none, or fails itself. */
export function ruleFor(life: Life, error: unknown): boolean | undefined {
  const { stage, plan } = life
  if (stage.label !== 'running') return undefined
  const policy = policyOf(life, plan.step(stage.step))
  if (policy === undefined) return undefined
  try {
    const retried = !isFinal(error) && policy.covers(error)
    decided(error, retried)
    return retried
  } catch {
    return undefined
  }
}

/** Another attempt would come to the same. */
function isFinal(error: unknown): boolean {
  return (
    error instanceof NonRetryableError ||
    error instanceof UpstreamFailed ||
    error instanceof SerializationError
  )
}

function stepFacts({ args, at, onward, origin, ended, into }: StepFacts): StepFacts {
  return {
    args,
    ...(at !== undefined && { at }),
    ...(onward === true && { onward }),
    ...(origin !== undefined && { origin }),
    ...(ended !== undefined && { ended }),
    ...(into !== undefined && { into }),
  }
}
