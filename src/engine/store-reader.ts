import { childrenOf } from '../client/launch/earlier-children.ts'
import type { Mail } from '../persistence/contract/control.ts'
import type { ProcessRow } from '../persistence/contract/rows.ts'
import { ClosedError } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import type { EngineParts } from './engine-parts.ts'
import type { Execution } from './execution.ts'
import type { ChildReader } from './step-launches.ts'
import { claimLost } from './stop-reasons.ts'
import { setTimeout } from '../shared/timers.ts'

/** First pause before a failed read is tried again, and the longest, in milliseconds. */
const FIRST_PAUSE = 20
const LONGEST_PAUSE = 5_000

/**
 * Reads the store for one execution. A read that fails is tried again for as long as the execution
 * lasts.
 */
export class StoreReader implements ChildReader {
  readonly #parts: EngineParts
  readonly #execution: Execution

  constructor(parts: EngineParts, execution: Execution) {
    this.#parts = parts
    this.#execution = execution
  }

  read(pid: string): Promise<ProcessRow | undefined> {
    return this.retry(() => this.#parts.store.read(pid))
  }

  /** All processes that this one has launched. */
  children(parent: string): Promise<readonly ProcessRow[]> {
    return this.retry(() => childrenOf(this.#parts.store, parent))
  }

  /** The inputs of a process, as they are saved. */
  inputsOf(pid: string): Promise<string | undefined> {
    return this.retry(async () => (await this.#parts.store.load(pid))?.bundle().parts['inputs'])
  }

  mail(signal: string): Promise<Mail | undefined> {
    return this.retry(() => this.#parts.store.mail(this.#execution.process.pid, signal))
  }

  /** @throws LeaseLost if the execution ends before a read succeeds */
  async retry<T>(read: () => Promise<T>): Promise<T> {
    const { process } = this.#execution
    const isOver = (): boolean => this.#execution.lost || this.#execution.over
    try {
      return await untilRead(read, { pid: process.pid, logger: this.#parts.logger, isOver })
    } catch {
      throw claimLost(process.pid)
    }
  }
}

/**
 * Reads for a process, and tries again for as long as the read fails.
 *
 * @throws the error of the read if the process is over before a read succeeds, or the store is closed
 */
export async function untilRead<T>(
  read: () => Promise<T>,
  { pid, logger, isOver }: { readonly pid: string; readonly logger: Logger; readonly isOver: () => boolean },
): Promise<T> {
  for (let pause = FIRST_PAUSE; ; pause = Math.min(LONGEST_PAUSE, pause * 2)) {
    try {
      return await read()
    } catch (error) {
      if (isOver() || error instanceof ClosedError) throw error
      logger.warn({ err: error, pid, pause }, 'the store could not be read; trying again')
      // Real time, even if the clock is simulated: this waits for a disk, not for a date.
      await new Promise<void>((resolve) => setTimeout(resolve, pause).unref())
    }
  }
}
