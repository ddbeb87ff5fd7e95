import { NonRetryableError, SerializationError, UpstreamFailed } from '../shared/errors.ts'
import type { RetryPolicy } from '../spec/retry-policy.ts'
import type { StepPlan } from './class-plan.ts'
import type { FailedAttempt } from './host.ts'
import type { Life } from './life.ts'
import { errorText, excepted, type Running, type Stage, type StepFacts } from './stage.ts'
import { LAST_DATE, timeAfter } from './step-waits.ts'

/** What follows a failed attempt of a step. */
export interface Failed {
  readonly to: Stage
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
    if (!policy.covers(error)) return { to: excepted(error) }
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
