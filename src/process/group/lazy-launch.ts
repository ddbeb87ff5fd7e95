import type { AbortSignal } from '../../shared/abort-signal.ts'
import { onAbort } from '../../shared/abort.ts'
import { errorText } from '../../shared/error-text.ts'
import { GroupLaunchError } from '../../shared/errors.ts'
import type { InputsSource, ResultStream } from '../host/group-options.ts'
import { InputSource } from './input-source.ts'

/** The most launches in progress, if there is no other limit. */
const MOST_UNDER_WAY = 1_000

/** How the processes of a lazy launch are launched. */
export interface LazyMembers<I, R> {
  readonly where: string
  /** The name of the group; empty if no group is stored. */
  readonly name: string
  readonly ordered: boolean
  /** How many may be launched whose results were not taken; 0 for any number. */
  readonly maxOutstanding: number
  readonly signal: AbortSignal | undefined
  /**
   * Launches a process. Resolves, once it is stored, to a function that waits for its result until the
   * signal aborts. Throws for inputs that do not fit.
   */
  launch(inputs: I, position: number): Promise<(signal: AbortSignal) => Promise<R>>
  /** The caller is done with the result of a position: it has asked for the next one. */
  taken?(position: number): Promise<void>
  /** All inputs were read, and all processes are stored. */
  complete?(length: number): Promise<void>
}

/** A process whose result was not taken. */
interface Entry<R> {
  readonly position: number
  outcome: { readonly value: R } | { readonly error: unknown } | undefined
}

/**
 * Launches processes as their results are taken. Inputs are read only within `next()`, so a loop that
 * is left leaves nothing behind.
 */
export class LazyLaunch<I, R> implements ResultStream<R> {
  readonly #members: LazyMembers<I, R>
  readonly #source: InputSource<I>
  /** The launched processes whose results were not taken, in the order of the inputs. */
  readonly #entries = new Set<Entry<R>>()
  /** The ended ones of these in the order of their ends, if that is the order of the results. */
  readonly #ended: Entry<R>[] = []
  /** Why there are no more inputs. It is thrown after the results of the launched processes. */
  #failure: { readonly error: unknown } | undefined
  readonly #waits = new AbortController()
  #position = 0
  /** The position whose result was taken last. */
  #taken: number | undefined
  #underWay = 0
  /** The next inputs, while the source takes its time over them. */
  #isReading = false
  #isRead = false
  #isOver = false
  #isCancelled = false
  #notify: (() => void) | undefined
  #turn: Promise<unknown> = Promise.resolve()
  readonly #stopListening: (() => void) | undefined

  constructor(inputs: InputsSource<I>, members: LazyMembers<I, R>) {
    this.#members = members
    this.#source = new InputSource(inputs, members.where)
    const { signal } = members
    this.#stopListening = signal && onAbort(signal, () => this.#notify?.())
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  cancel(): void {
    this.#isCancelled ||= !this.#isRead
    this.#isRead = true
    this.#source.stop().catch(() => {})
    this.#notify?.()
  }

  /** Calls that overlap are answered one after another. */
  next(): Promise<IteratorResult<R, undefined>> {
    const next = this.#turn.then(() => this.#next())
    this.#turn = next.catch(() => {})
    return next
  }

  async return(): Promise<IteratorResult<R, undefined>> {
    await this.#end()
    return { done: true, value: undefined }
  }

  async #next(): Promise<IteratorResult<R, undefined>> {
    if (this.#isOver) return { done: true, value: undefined }
    try {
      const taken = this.#taken
      this.#taken = undefined
      if (taken !== undefined) await this.#members.taken?.(taken)
      for (;;) {
        this.#members.signal?.throwIfAborted()
        const outcome = this.#takeEnded()
        if (outcome !== undefined) {
          if ('error' in outcome) throw outcome.error
          return { done: false, value: outcome.value }
        }
        if (this.#mayRead) this.#read()
        else if (this.#entries.size === 0 && this.#isRead) break
        else await new Promise<void>((resolve) => (this.#notify = resolve))
      }
      if (this.#failure !== undefined) throw this.#failure.error
      if (!this.#isCancelled) await this.#members.complete?.(this.#position)
    } catch (error) {
      // The failure of the source itself would hide this one.
      await this.#end().catch(() => {})
      throw error
    }
    await this.#end()
    return { done: true, value: undefined }
  }

  /** The next outcome, if there is one. */
  #takeEnded(): Entry<R>['outcome'] {
    const [first] = this.#members.ordered ? this.#entries : this.#ended
    if (first?.outcome === undefined) return undefined
    this.#entries.delete(first)
    if (!this.#members.ordered) this.#ended.shift()
    this.#taken = first.position
    return first.outcome
  }

  get #mayRead(): boolean {
    const { maxOutstanding } = this.#members
    if (this.#isRead || this.#isReading || this.#underWay >= MOST_UNDER_WAY) return false
    return maxOutstanding === 0 || this.#entries.size < maxOutstanding
  }

  #read(): void {
    try {
      const given = this.#source.next()
      if (given instanceof Promise) void this.#readLater(given)
      else this.#take(given)
    } catch (error) {
      this.#failSource('could not be read', error)
    }
  }

  async #readLater(given: Promise<IteratorResult<I>>): Promise<void> {
    this.#isReading = true
    try {
      this.#take(await given)
    } catch (error) {
      this.#failSource('could not be read', error)
    }
    this.#isReading = false
    this.#notify?.()
  }

  #take(next: IteratorResult<I>): void {
    // After a cancel, the inputs that the source was asked for before are not launched.
    if (this.#isRead) return
    if (next.done === true) this.#isRead = true
    else this.#launch(next.value)
  }

  #launch(inputs: I): void {
    let stored: Promise<(signal: AbortSignal) => Promise<R>>
    try {
      stored = this.#members.launch(inputs, this.#position)
    } catch (error) {
      this.#failSource('cannot be launched', error)
      this.#source.stop().catch(() => {})
      return
    }
    const entry: Entry<R> = { position: this.#position++, outcome: undefined }
    this.#underWay++
    this.#entries.add(entry)
    const settle = (outcome: Entry<R>['outcome']): void => {
      entry.outcome = outcome
      if (!this.#members.ordered) this.#ended.push(entry)
      this.#notify?.()
    }
    stored
      .finally(() => {
        this.#underWay--
        this.#notify?.()
      })
      .then((result) => result(this.#waits.signal))
      .then(
        (value) => settle({ value }),
        (error: unknown) => settle({ error }),
      )
  }

  #failSource(what: string, cause: unknown): void {
    if (this.#isRead) return
    this.#isRead = true
    const { where } = this.#members
    const position = this.#position
    const message = `${where}: the inputs at position ${position} ${what}: ${errorText(cause)}`
    const facts = { group: this.#members.name, position, launched: position, cause }
    this.#failure = { error: new GroupLaunchError(message, facts) }
  }

  async #end(): Promise<void> {
    if (this.#isOver) return
    this.#isOver = true
    this.#isRead = true
    this.#stopListening?.()
    this.#entries.clear()
    this.#waits.abort()
    this.#notify?.()
    const stopped = this.#source.stop()
    // A source that waits for something stops once it has it.
    if (this.#isReading) stopped.catch(() => {})
    else await stopped
  }
}
