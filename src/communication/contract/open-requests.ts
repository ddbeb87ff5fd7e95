import { systemClock } from '../../shared/clock.ts'
import { milliseconds, type Duration } from '../../shared/duration.ts'
import { ResponseTimeout } from '../../shared/errors.ts'

interface OpenRequest {
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: Error) => void
  readonly stopTimer: () => void
}

/** The requests of a communicator that wait for their answer, by their ids. Each has a time limit. */
export class OpenRequests {
  readonly #open = new Map<string, OpenRequest>()

  /**
   * Waits for the answer to a request. `what` names the request in the error of the timeout, and `then`
   * is what may still become of it.
   */
  open(id: string, limit: Duration, what: string, then: string): Promise<unknown> {
    const time = milliseconds(limit)
    return new Promise((resolve, reject) => {
      const stopTimer = systemClock.after(time, () => {
        this.#open.delete(id)
        reject(new ResponseTimeout(`no answer to ${what} came within ${time} ms; ${then}`))
      })
      this.#open.set(id, { resolve, reject, stopTimer })
    })
  }

  has(id: string): boolean {
    return this.#open.has(id)
  }

  get ids(): readonly string[] {
    return [...this.#open.keys()]
  }

  /** Does nothing if the request does not wait any more. */
  resolve(id: string, answer: unknown): void {
    this.#take(id)?.resolve(answer)
  }

  reject(id: string, error: Error): void {
    this.#take(id)?.reject(error)
  }

  rejectAll(error: Error): void {
    for (const id of this.ids) this.reject(id, error)
  }

  #take(id: string): OpenRequest | undefined {
    const request = this.#open.get(id)
    this.#open.delete(id)
    request?.stopTimer()
    return request
  }
}
