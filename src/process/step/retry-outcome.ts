import { LAST_DATE } from '../../shared/duration.ts'
import {
  GroupLaunchError,
  NonRetryableError,
  SerializationError,
  UpstreamFailed,
} from '../../shared/errors.ts'
import type { RetryPolicy } from '../../spec/retry-policy.ts'
import type { StepDefinition } from '../definition/process-definition.ts'
import type { FailedAttempt } from '../state/transition.ts'
import type { RunState } from './run-state.ts'
import { errorText, excepted, type Running, type StateData, type StepFacts } from '../state/state-data.ts'
import { timeAfter } from './wait-conditions.ts'

/*
 * Decides whether a failed step runs again.
 */

/** What follows a failed attempt at a step. */
export interface RetryOutcome {
  readonly to: StateData
  readonly failed?: FailedAttempt | undefined
  /** The message of the pause that the process takes with it. */
  readonly pause?: string | undefined
}

/** The retry policy of a step: its own, or else that of the launch, or else that of the class. */
export function policyOf(
  { launchRetry }: Pick<RunState, 'launchRetry'>,
  { retry, ownRetry }: Pick<StepDefinition, 'retry' | 'ownRetry'>,
): RetryPolicy | undefined {
  return launchRetry === undefined || ownRetry ? retry : launchRetry
}

/**
 * After an attempt has thrown: another attempt after a back-off; a pause, if the attempts are used
 * up and the policy is `pause`; or the end. `state.number` has to be set, so that the next attempt
 * is at the same step.
 */
export function retryOutcome(
  policy: RetryPolicy | undefined,
  state: Running,
  error: unknown,
  now: number,
  random: () => number = Math.random,
): RetryOutcome {
  if (policy === undefined || isFinal(error)) return { to: excepted(error) }
  try {
    if (!(decisionOn(error) ?? policy.covers(error))) return { to: excepted(error) }
  } catch (failure) {
    return { to: excepted(failure) }
  }
  const { step, attempt = 1 } = state
  const { attempts } = policy
  const message = errorText(error)
  const facts = stepFacts(state)
  if (attempt >= attempts) {
    if (policy.whenExhausted !== 'pause') return { to: excepted(error) }
    return {
      to: { label: 'running', step, ...facts, failure: message },
      failed: { step, attempt, attempts, message, until: null },
      pause: `${step} failed ${attempt} of ${attempts} times (${message}); play tries it ${attempts === 1 ? 'once' : `${attempts} times`} more`,
    }
  }
  const until = Math.ceil(timeAfter(now, policy.delay(attempt + 1, random)) ?? LAST_DATE)
  const next = new Date(until).toISOString()
  return {
    to: {
      label: 'waiting',
      step,
      message: `${step} failed ${attempt} of ${attempts} (${message}), next try ${next}`,
      data: undefined,
      until,
      ...(state.at !== undefined && { at: state.at }),
      retry: { ...facts, attempt: attempt + 1, failure: message },
    },
    failed: { step, attempt, attempts, message, until },
  }
}

/**
 * When a step that runs again does not repeat what it did before: the process pauses, so that
 * someone can correct it.
 */
export function conflictOutcome(state: Running, error: Error): RetryOutcome {
  const { step, attempt = 1 } = state
  return {
    to: { label: 'running', step, ...stepFacts(state), ...(attempt > 1 && { attempt }) },
    pause: error.message,
  }
}

/** The decisions of the retry rule on recorded failures. */
const decisions = new WeakMap<object, boolean>()

/** Notes the decision on whether to retry a failure, which was made when it was recorded. */
export function decided(error: unknown, retried: boolean): void {
  if (typeof error === 'object' && error !== null) decisions.set(error, retried)
}

function decisionOn(error: unknown): boolean | undefined {
  return typeof error === 'object' && error !== null ? decisions.get(error) : undefined
}

/**
 * Whether the policy of the running step retries a failure; undefined if there is no policy, or it
 * fails itself.
 */
export function ruleFor(run: RunState, error: unknown): boolean | undefined {
  const { state, definition } = run
  if (state.label !== 'running') return undefined
  const policy = policyOf(run, definition.step(state.step))
  if (policy === undefined) return undefined
  try {
    const retried = !isFinal(error) && policy.covers(error)
    decided(error, retried)
    return retried
  } catch {
    return undefined
  }
}

/** Whether another attempt would certainly fail in the same way. */
function isFinal(error: unknown): boolean {
  return (
    error instanceof NonRetryableError ||
    error instanceof UpstreamFailed ||
    error instanceof SerializationError ||
    (error instanceof GroupLaunchError && isFinal(error.cause))
  )
}

function stepFacts({ args, woken, at, onward, number, origin, ended, into }: StepFacts): StepFacts {
  return {
    args,
    ...(woken === true && { woken }),
    ...(at !== undefined && { at }),
    ...(onward === true && { onward }),
    ...(origin !== undefined && { origin }),
    ...(ended !== undefined && { ended }),
    ...(into !== undefined && { into }),
    ...(number !== undefined && { number }),
  }
}
