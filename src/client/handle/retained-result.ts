import type { LifetimeRow } from '../../persistence/contract/result-lifetime.ts'
import { NotReady } from '../../shared/errors.ts'
import type { SharedReads } from '../read/shared-reads.ts'
import type { ClientSession } from '../write/client-session.ts'
import type { GroupCommit } from '../write/group-commit.ts'

/** The parts of a client that retain, release and purge results. */
export interface RetainParts {
  readonly commits: GroupCommit
  readonly session: ClientSession
  readonly lifetimes: SharedReads<LifetimeRow>
  /** How histories show the requests of the client. */
  readonly name: string
}

/** What a handle knows about the lifetime of its result, and its requests about it. */
export class RetainedResult {
  readonly #parts: RetainParts
  readonly #pid: string
  /** Whether nothing in the store kept the result when that was read last. */
  #wasCollectable = false

  constructor(parts: RetainParts, pid: string) {
    this.#parts = parts
    this.#pid = pid
  }

  get isRetained(): boolean {
    return this.#parts.session.isRetained(this.#pid)
  }

  get collectable(): boolean {
    return this.#wasCollectable && !this.isRetained
  }

  /** Reads what keeps the result, after what was asked before. Resolves to whether it was dropped. */
  async read(): Promise<boolean> {
    const { session, lifetimes } = this.#parts
    await session.settled(this.#pid)
    const row = await lifetimes.read(this.#pid)
    this.#wasCollectable = row !== undefined && !row.retained && !row.needed
    return row?.dropped === true
  }

  retain(): void {
    this.#parts.session.retain(this.#pid)
  }

  async release(ofGroup: boolean): Promise<void> {
    await this.#parts.session.release(this.#pid, ofGroup)
  }

  /** Resolves to false if there is no such process. @throws NotReady if it has not ended */
  async purge(): Promise<boolean> {
    const { commits, name: by } = this.#parts
    const outcome = await commits.write({ kind: 'purge', pid: this.#pid, by })
    if (outcome.status === 'refused') throw outcome.error
    if (outcome.status === 'conflict') throw new NotReady(`${outcome.reason}; wait() for it first`)
    return outcome.status === 'done'
  }
}
