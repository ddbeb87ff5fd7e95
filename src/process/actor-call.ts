import type { AbortSignal } from '../shared/abort-signal.ts'
import { InvalidStateError } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import type { ProcessSpec } from '../spec/process-spec.ts'
import type { Transaction } from './host/transaction.ts'
import type { AnyProcessClass, Hosted } from './host/process-object.ts'
import { Process } from './process.ts'
import { Stop } from './state/commands.ts'
import { isThenable } from './state/deferred.ts'
import type { Progress } from './state/report.ts'
import { currentRun } from './step/current-process.ts'
import type { EffectContext, EffectOptions } from './step/effect.ts'
import type { PrintOptions } from './step/reports.ts'
import type { Duration } from '../shared/duration.ts'

/** What a method of an actor may do besides using its arguments and fields; see `currentCall`. */
export interface CallContext {
  /** The pid of the call. */
  readonly pid: string
  /** The id of the actor. */
  readonly actor: string
  readonly method: string
  /** The number of the attempt; 1 unless the call is retried. */
  readonly attempt: number
  /** Aborts when the call or its actor is killed, and when the call is taken from this program. */
  readonly signal: AbortSignal
  /** The logger of the engine. What it writes at `info`, `warn` and `error` is also stored with the call. */
  readonly logger: Logger
  /** Prints a line into the log of the call, which `handle.logs()` shows. */
  print(text: string, options?: PrintOptions): void
  /** Reports the progress of the call. */
  progress(progress: Progress): void
  /** Adds an event of your own to the history of the call. */
  addEvent(name: string, data?: unknown): void
  /** Sets the status of the call, for people. */
  setStatus(status: string | undefined): void
  /**
   * Does something once, as `effect` of a process does. The calls before this one are durable before
   * `action` is called.
   *
   * @throws SerializationError for a result that can't be saved
   */
  effect<T>(
    name: string,
    action: (context: EffectContext) => T | PromiseLike<T>,
    options?: EffectOptions,
  ): Promise<Awaited<T>>
  /** Writes rows of your own exactly once, as `transaction` of a process does. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the action says which it is
  transaction<T, Tx extends Transaction = Transaction>(
    name: string,
    action: (tx: Tx, context: EffectContext) => T,
    options?: EffectOptions,
  ): Promise<Awaited<T>>
  /** Sleeps within the call. The actor runs no other call meanwhile. */
  sleep(name: string, duration: Duration): Promise<void>
  /**
   * Runs a part of the call as a branch, so that parts that run at the same time may use the same
   * names for their effects.
   */
  branch<T>(name: string, action: () => T | PromiseLike<T>): Promise<Awaited<T>>
}

/**
 * Returns the running call of an actor, also after an `await`.
 *
 * ```ts
 * class Account {
 *   async pay(amount: number) {
 *     const receipt = await currentCall().effect('pay', ({ idempotencyKey }) => bank.pay(amount, idempotencyKey))
 *   }
 * }
 * ```
 *
 * @throws InvalidStateError outside of a method of an actor
 */
export function currentCall(): CallContext {
  const process = currentRun()?.process
  // The code of the actor uses methods that are protected in other processes.
  if (process instanceof ActorCall) return process as unknown as CallContext
  throw new InvalidStateError('currentCall() is for the methods of actors, and none is running here')
}

/** A call of an actor, as an engine runs it. */
export class ActorCall extends Process {
  #served: ServedCall | undefined

  static override define(spec: ProcessSpec): unknown {
    super.define(spec)
    return spec.input('args')
  }

  /** Connects the call with the instance of its actor. */
  static serve(hosted: Hosted, served: ServedCall): void {
    ;(hosted.process as ActorCall).#served = served
  }

  /** The id of the actor. */
  get actor(): string {
    return this.#serving.actor
  }

  get method(): string {
    return this.#serving.method
  }

  override run(): unknown {
    const value = this.#serving.call()
    return isThenable(value) ? value.then((result) => new Stop(result)) : new Stop(value)
  }

  get #serving(): ServedCall {
    if (this.#served !== undefined) return this.#served
    throw new InvalidStateError(`the call ${this.pid} has no actor here: only an engine runs it`)
  }
}

/** What a call reports to its actor. */
export interface ServedCall {
  readonly actor: string
  readonly method: string
  call(): unknown
}

const classes = new Map<string, AnyProcessClass>()

/** The class of the calls of one method of an actor class: `Account.pay`. */
export function callClass(name: string): AnyProcessClass {
  let found = classes.get(name)
  if (found === undefined) {
    found = class extends ActorCall {}
    Object.defineProperty(found, 'processName', { value: name })
    Object.defineProperty(found, 'name', { value: name })
    classes.set(name, found)
  }
  return found
}

/** The name of the class of a call. */
export function callName(actorName: string, method: string): string {
  return `${actorName}.${method}`
}
