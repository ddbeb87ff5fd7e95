import type { Outcome } from '../../persistence/contract/outcomes.ts'
import type { Create } from '../../persistence/contract/writes.ts'
import type { ClientSession } from './client-session.ts'
import type { GroupCommit } from './group-commit.ts'

/**
 * Writes the calls of actors, in the order in which they were made. A call whose result the session
 * retains waits until the session is open, and so do those that are made after it.
 */
export class CallWrites {
  readonly #commits: GroupCommit
  readonly #session: ClientSession
  /** Pending while calls wait for the session. */
  #opening: Promise<void> | undefined

  constructor(commits: GroupCommit, session: ClientSession) {
    this.#commits = commits
    this.#session = session
  }

  write(create: Create): Promise<Outcome> {
    const opens = create.retainedBy !== undefined && !this.#session.isOpen
    if (!opens && this.#opening === undefined) return this.#commits.write(create)
    const before = this.#opening ?? Promise.resolve()
    const opened = opens ? before.then(() => this.#session.open()) : before
    const written = opened.then(() => this.#commits.write(create))
    const sent = opened.then(
      () => {},
      () => {},
    )
    this.#opening = sent
    void sent.then(() => {
      if (this.#opening === sent) this.#opening = undefined
    })
    return written
  }
}
