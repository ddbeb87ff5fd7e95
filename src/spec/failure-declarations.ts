import { preview } from '../ports/plain.ts'
import type { Duration } from '../shared/duration.ts'
import { SpecError } from '../shared/errors.ts'
import type { OutlineStep } from './instructions.ts'
import { durationOf } from './backoff.ts'
import { methodName } from './method-name.ts'
import { RetryPolicy, type SpecRetryOptions } from './retry-policy.ts'

/** A declaration for all steps, and declarations for single steps by name. */
class PerStep<T> {
  #all: T | undefined
  readonly #single = new Map<string, T>()

  set(step: string | undefined, value: T): void {
    if (step === undefined) this.#all = value
    else this.#single.set(step, value)
  }
  of(step: string): T | undefined {
    return this.#single.get(step) ?? this.#all
  }
  names(): Iterable<string> {
    return this.#single.keys()
  }
}

/** The declarations of a spec about failed steps and time limits. */
export class FailureDeclarations {
  readonly #spec: object
  readonly #retries = new PerStep<RetryPolicy>()
  readonly #timeouts = new PerStep<number>()
  #deadline = Number.POSITIVE_INFINITY

  constructor(spec: object) {
    this.#spec = spec
  }

  retry(...args: readonly [SpecRetryOptions] | readonly [OutlineStep, SpecRetryOptions]): void {
    const [step, options] = args.length === 1 ? [undefined, args[0]] : [this.#name(args[0], 'retry'), args[1]]
    this.#retries.set(step, new RetryPolicy(options))
  }

  timeout(...args: readonly [Duration] | readonly [OutlineStep, Duration]): void {
    const [step, duration] =
      args.length === 1 ? [undefined, args[0]] : [this.#name(args[0], 'timeout'), args[1]]
    this.#timeouts.set(step, limit(duration, 'timeout'))
  }

  deadline(duration: Duration): void {
    this.#deadline = limit(duration, 'deadline')
  }

  retryOf(step: string): RetryPolicy | undefined {
    return this.#retries.of(step)
  }

  timeoutOf(step: string): number | undefined {
    return finite(this.#timeouts.of(step))
  }

  get deadlineAfter(): number | undefined {
    return finite(this.#deadline)
  }

  /** The steps with declarations of their own, each once. */
  get named(): readonly string[] {
    return [...new Set([...this.#retries.names(), ...this.#timeouts.names()])]
  }

  #name(step: OutlineStep, where: string): string {
    const expected = 'name the step by its method, W.prototype.setup, or by its name'
    return methodName(this.#spec, step, where, expected)
  }
}

function limit(duration: Duration, where: string): number {
  const made = durationOf(duration, where)
  if (made === 0) throw new SpecError(`${where} must be longer than ${preview(duration)}`)
  return made
}

function finite(duration: number | undefined): number | undefined {
  return duration === Number.POSITIVE_INFINITY ? undefined : duration
}
