import type { BundleParts } from '../../bundle/bundle.ts'
import type { Codec } from '../../bundle/codec.ts'
import type { Settled } from '../../process/host/process-handle.ts'
import type { EndedRow } from '../read/state-info.ts'
import { endingParts, settledOf } from './outcome.ts'

/** How a process ended, as its handle has read it. Each reader gets a value of its own. */
export class KeptOutcome {
  readonly settled: Settled<unknown>
  /** Decodes the outcome again, for further readers of a value that can be changed. */
  readonly #decodeAgain: (() => Settled<unknown>) | undefined
  /** Whether a reader has received the value of `settled`. */
  #isHandedOut = false

  /** `saved` returns the parts of the bundle, and throws if they are damaged. */
  constructor(row: EndedRow, saved: () => BundleParts, codec: Codec) {
    let parts: BundleParts = {}
    this.settled = settledOf(row, () => (parts = saved()), codec)
    if (this.settled.status !== 'fulfilled' || typeof this.settled.value !== 'object') return
    const kept = endingParts(parts)
    this.#decodeAgain = () => settledOf(row, () => kept, codec)
  }

  take(): Settled<unknown> {
    if (this.#isHandedOut && this.#decodeAgain !== undefined) return this.#decodeAgain()
    this.#isHandedOut = true
    return this.settled
  }
}
