import { shown } from '../../shared/options.ts'
import type { InputsSource } from '../host/group-options.ts'

/** Reads the inputs of a group launch, one at a time. */
export class InputSource<I> {
  readonly #iterator: Iterator<I> | AsyncIterator<I>
  #isOver = false

  /** @throws TypeError for anything but a sequence of inputs */
  constructor(inputs: InputsSource<I>, where: string) {
    const given: unknown = inputs
    if (typeof given !== 'object' || given === null || !isIterable(given))
      throw new TypeError(
        `${where} takes an iterable of inputs, such as an array of objects or a generator, not ${shown(given)}`,
      )
    this.#iterator =
      Symbol.asyncIterator in inputs ? inputs[Symbol.asyncIterator]() : inputs[Symbol.iterator]()
  }

  /** Returns a promise only for an asynchronous source. */
  next(): IteratorResult<I> | Promise<IteratorResult<I>> {
    try {
      const next = this.#iterator.next()
      if (!(next instanceof Promise)) return this.#noted(next)
      return next.then(
        (one) => this.#noted(one),
        (error: unknown) => {
          this.#isOver = true
          throw error
        },
      )
    } catch (error) {
      // An iterator that has thrown is over, and is not to be closed.
      this.#isOver = true
      throw error
    }
  }

  /** Nothing more is read, so the source may close what it has open. */
  async stop(): Promise<void> {
    if (this.#isOver) return
    this.#isOver = true
    await this.#iterator.return?.()
  }

  #noted(next: IteratorResult<I>): IteratorResult<I> {
    if (next.done === true) this.#isOver = true
    return next
  }
}

function isIterable(value: object): boolean {
  return Symbol.asyncIterator in value || Symbol.iterator in value
}
