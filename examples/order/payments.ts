import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** How long the service takes to answer, in milliseconds. */
const answerTime = 150

/** A line of the ledger: what really happened, in the order in which it did. */
export type Entry = {
  readonly id: string
  /** The idempotency key of the request. */
  readonly key: string
  readonly what: 'charge' | 'refund' | 'outage'
  /** In €. */
  readonly amount: number
}

/** What the service answers to a request that it understands; a declined card is an answer, not a failure. */
export type Charged =
  { readonly status: 'paid'; readonly id: string } | { readonly status: 'declined'; readonly reason: string }

/** The service did not answer: whether it has done what was asked is not known. */
export class PaymentServiceDown extends Error {
  override readonly name = 'PaymentServiceDown'
}

/**
 * A pretend payment service, somewhere else in the world. It keeps a ledger in a file of its own, and does what it is asked once per
 * idempotency key, however often it is asked: as real ones do.
 *
 * There are cards to try things with: `declined`, and `unreliable`, with which the first request of each key does not come through,
 * and of the second, which does, the answer is lost.
 */
export class PaymentService {
  readonly #ledger: string

  constructor(ledger: string) {
    this.#ledger = ledger
  }

  async charge(request: { key: string; card: string; amount: number }): Promise<Charged> {
    if (request.card === 'declined') return { status: 'declined', reason: 'the card has expired' }
    return { status: 'paid', id: await this.#once('charge', request) }
  }

  /** Resolves to the id of the refund. */
  async refund(request: { key: string; card: string; amount: number }): Promise<string> {
    return this.#once('refund', request)
  }

  entries(): Entry[] {
    if (!existsSync(this.#ledger)) return []
    // What follows the last end of a line is still being written.
    const lines = readFileSync(this.#ledger, 'utf8').split('\n').slice(0, -1)
    return lines.map((line) => JSON.parse(line) as Entry)
  }

  async #once(
    what: 'charge' | 'refund',
    { key, card, amount }: { key: string; card: string; amount: number },
  ): Promise<string> {
    const before = this.entries().filter((entry) => entry.key === key)
    const unreliable = card === 'unreliable'
    if (unreliable && before.length === 0) {
      this.#write('outage', key, 0)
      throw new PaymentServiceDown('the payment service cannot be reached')
    }
    const done = before.find((entry) => entry.what === what)
    const { id } = done ?? this.#write(what, key, amount)
    await delay(answerTime)
    if (unreliable && done === undefined) throw new PaymentServiceDown('the payment service did not answer')
    return id
  }

  #write(what: Entry['what'], key: string, amount: number): Entry {
    const entry = { id: `${what}-${this.entries().length + 1}`, key, what, amount }
    appendFileSync(this.#ledger, `${JSON.stringify(entry)}\n`)
    return entry
  }
}
