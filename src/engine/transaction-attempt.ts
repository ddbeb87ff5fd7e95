import type { Outcome } from '../persistence/contract/outcomes.ts'
import type { RecordHead, Transactions } from '../persistence/contract/store.ts'
import type { StepRecord } from '../persistence/contract/writes.ts'
import type { RecordEntry } from '../process/host/host.ts'
import type { Came, Transaction } from '../process/host/transaction.ts'
import { isThenable } from '../process/state/deferred.ts'
import { contentOf, type RecordContent } from './record-content.ts'

type Commit = (head: RecordHead) => Promise<Outcome>

/** One call of the user's function in a transaction of the store. */
export class TransactionAttempt {
  readonly #act: (tx: Transaction) => unknown
  readonly #entryOf: (value: unknown) => RecordEntry
  /** The outcome of the function; undefined if it must be called again because its transaction was lost. */
  came: Came | undefined
  /** The record of a function that has returned. */
  content: RecordContent | undefined
  /** Set if what the function returned can't be recorded. */
  unsavable: { readonly error: unknown } | undefined

  constructor(act: (tx: Transaction) => unknown, entryOf: (value: unknown) => RecordEntry) {
    this.#act = act
    this.#entryOf = entryOf
  }

  /**
   * Calls the function, unless its commit calls it. Resolves to the commit; undefined if there is nothing to
   * commit.
   */
  async begin(transactions: Transactions): Promise<Commit | undefined> {
    if (transactions.kind === 'sqlite')
      return (head) => this.#orRefused(transactions.run(head, (tx) => this.#callNow(head, tx)))
    const open = await transactions.begin()
    try {
      this.#returned(await this.#call(() => this.#act(open.tx)))
    } catch {
      await open.rollback()
      if (open.isLost) this.came = undefined
      return undefined
    }
    return (head) =>
      this.#orRefused(
        open.commit({ ...head, ...(this.content as RecordContent) }).catch((error: unknown) => {
          this.came = open.isLost ? undefined : { error }
          throw error
        }),
      )
  }

  /** Calls a function that must not be asynchronous. */
  #callNow(head: RecordHead, tx: Transaction): StepRecord {
    let value: unknown
    try {
      value = this.#act(tx)
      if (isThenable(value)) {
        void Promise.resolve(value).catch(() => {})
        throw new TypeError(
          'the function of a transaction on SQLite returned a promise: it must do all of its work before it returns, since the file is locked meanwhile',
        )
      }
    } catch (error) {
      this.came = { error }
      throw error
    }
    this.#returned(value)
    return { ...head, ...(this.content as RecordContent) }
  }

  async #call(action: () => unknown): Promise<unknown> {
    try {
      return await action()
    } catch (error) {
      this.came = { error }
      throw error
    }
  }

  #returned(value: unknown): void {
    try {
      this.content = contentOf(this.#entryOf(value))
    } catch (error) {
      this.unsavable = { error }
      throw error
    }
    this.came = { value }
  }

  /**
   * If a commit fails because of the function, returns `refused`, so that the same commit is not
   * tried again.
   */
  async #orRefused(committed: Promise<Outcome>): Promise<Outcome> {
    try {
      return await committed
    } catch (error) {
      const isOfFunction = this.came === undefined || 'error' in this.came || this.unsavable !== undefined
      if (isOfFunction && error instanceof Error) return { status: 'refused', error }
      throw error
    }
  }
}
