import { currentRun } from './current-process.ts'

/**
 * The promise of an operation of a step: an effect, a wait, a launch, a branch.
 *
 * 1. A rejection that no one awaits never ends the program: a kill, a timeout or a close rejects
 *    whatever is pending.
 * 2. An operation knows whether it was awaited, so that a step can't end well after a failure that it
 *    never saw.
 */
export class Operation<T> extends Promise<T> {
  /** `then` returns an ordinary promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }

  /** Whether the promise is or was awaited. */
  isAwaited = false

  static of<T>(work: Promise<T>): Operation<T> {
    const operation = new Operation<T>((resolve, reject) => {
      work.then(resolve, reject)
    })
    void Promise.prototype.then.call(operation, undefined, () => {})
    return operation
  }

  // An `await` calls this too, since this is a class of its own.
  // oxlint-disable-next-line unicorn/no-thenable
  override then<Fulfilled = T, Rejected = never>(
    fulfilled?: ((value: T) => Fulfilled | PromiseLike<Fulfilled>) | null,
    rejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Fulfilled | Rejected> {
    this.isAwaited = true
    return super.then(fulfilled, rejected)
  }
}

/**
 * Marks a promise that is not an operation of the step, such as a wait for a handle, but that the
 * step may leave pending. A rejection that no one awaits then never ends the program.
 */
export function withinStep<T>(work: Promise<T>): Promise<T> {
  if (currentRun()?.inStep === true) work.catch(() => {})
  return work
}
