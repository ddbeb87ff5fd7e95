import type { Control } from '../../persistence/contract/control.ts'
import type { Outcome } from '../../persistence/contract/outcomes.ts'
import { ClosedError } from '../../shared/errors.ts'
import { newPid } from '../../shared/ids.ts'
import type { Logger } from '../../shared/logger.ts'
import type { GroupCommit } from './group-commit.ts'

/** A result that the session retains. */
interface Retained {
  /** How often it is retained and not released. */
  count: number
  /** The write about it that was sent last. */
  last: Promise<unknown>
}

/**
 * The results that one client retains. The client counts; the store has one entry for each retained
 * process, and drops it when the session ends: when the client closes, or its program dies. A
 * client that retains nothing has no session in the store.
 */
export class ClientSession {
  readonly id = newPid()
  readonly #store: Control
  readonly #commits: GroupCommit
  readonly #logger: Logger
  readonly #name: string
  readonly #retained = new Map<string, Retained>()
  #opening: Promise<void> | undefined
  #isOpen = false
  #isClosed = false

  /** `name` is how histories show the requests of the client. */
  constructor(store: Control, commits: GroupCommit, logger: Logger, name: string) {
    this.#store = store
    this.#commits = commits
    this.#logger = logger
    this.#name = name
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Opens the session in the store. It must be open before a process that it retains is stored. */
  async open(): Promise<void> {
    this.#opening ??= this.#store.openSession(this.id)
    try {
      await this.#opening
      this.#isOpen = true
    } catch (error) {
      this.#opening = undefined
      throw error
    }
  }

  isRetained(pid: string): boolean {
    return (this.#retained.get(pid)?.count ?? 0) > 0
  }

  /** Resolves once the store has applied the earlier requests about a process. */
  async settled(pid: string): Promise<void> {
    await this.#retained.get(pid)?.last
  }

  /** A process was launched so that the session retains it. */
  launched(pid: string): void {
    this.#of(pid).count++
  }

  /** @throws ClosedError if the client is closed */
  retain(pid: string): void {
    if (this.#isClosed)
      throw new ClosedError('this client is closed, and its session has ended; open another')
    const retained = this.#of(pid)
    retained.count++
    if (retained.count > 1) return
    retained.last = this.#then(retained, async () => {
      await this.open()
      requireTaken(await this.#commits.write({ kind: 'retain', pid, session: this.id }))
    }).catch((error: unknown) => {
      this.#logger.warn({ err: error, pid }, 'a result could not be retained')
    })
  }

  /** Takes one `retain` back. `ofGroup`: the group of the process is released. */
  async release(pid: string, ofGroup: boolean): Promise<void> {
    const known = this.#retained.get(pid)
    const holds = known !== undefined && known.count > 0
    if (!holds && !ofGroup) return
    const retained = known ?? this.#of(pid)
    if (holds) retained.count--
    if (retained.count > 0 && !ofGroup) return
    try {
      const released = this.#then(retained, async () => {
        const session = holds && retained.count === 0 ? this.id : null
        const write = { kind: 'unretain', pid, session, ofGroup, by: this.#name } as const
        requireTaken(await this.#commits.write(write))
      })
      retained.last = released.catch(() => {})
      await released
    } catch (error) {
      if (holds) retained.count++
      throw error
    } finally {
      if (retained.count === 0 && this.#retained.get(pid) === retained) this.#retained.delete(pid)
    }
  }

  /** Ends the session. Call it after the last write, and before the store is closed. */
  async close(): Promise<void> {
    this.#isClosed = true
    if (this.#opening === undefined) return
    await this.#opening.catch(() => {})
    await this.#store.closeSession(this.id)
  }

  #of(pid: string): Retained {
    let retained = this.#retained.get(pid)
    if (retained === undefined) {
      retained = { count: 0, last: Promise.resolve() }
      this.#retained.set(pid, retained)
    }
    return retained
  }

  /** Writes about one process go to the store in the order of the calls. */
  #then<T>({ last }: Retained, write: () => Promise<T>): Promise<T> {
    return last.then(write, write)
  }
}

/** A process that is gone has no result to retain. */
function requireTaken(outcome: Outcome): void {
  if (outcome.status === 'refused') throw outcome.error
}
