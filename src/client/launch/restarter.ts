import type { Done, Outcome } from '../../persistence/contract/outcomes.ts'
import type { Store } from '../../persistence/contract/store.ts'
import type { Create } from '../../persistence/contract/writes.ts'
import type { Clock } from '../../shared/clock.ts'
import type { GroupCommit } from '../write/group-commit.ts'
import type { Requests } from '../write/requests.ts'
import { requireCreated } from './create-write.ts'
import { restartWrites, resubmitWrite, type RestartOptions } from './restart.ts'

/** Asks a restarted child to end, because its parent could not be created. */
const UNUSED = { kind: 'kill', message: 'its parent was not restarted', force: false } as const

/** A process that was created in the store. */
export interface NewProcess {
  readonly pid: string
  readonly className: string
}

/** Creates new processes from ended ones. */
export class Restarter {
  readonly #store: Store
  readonly #commits: GroupCommit
  readonly #requests: Requests
  readonly #clock: Clock

  constructor(store: Store, commits: GroupCommit, requests: Requests, clock: Clock) {
    this.#store = store
    this.#commits = commits
    this.#requests = requests
    this.#clock = clock
  }

  /** Creates a process that continues from the last step of an ended one, or from a checkpoint. */
  async restart(pid: string, options: RestartOptions = {}): Promise<NewProcess> {
    for (;;) {
      const writes = await restartWrites(this.#store, pid, options, this.#clock.now())
      const outcomes = await this.#commits.writeAll(writes)
      const [create, outcome] = [writes.at(-1) as Create, outcomes.at(-1) as Outcome]
      if (outcome.status === 'done') return { pid: outcome.pid, className: create.className }
      const orphans = outcomes.filter(({ status }) => status === 'done') as Done[]
      await Promise.all(orphans.map(({ pid: orphan }) => this.#requests.request(orphan, UNUSED, true)))
      // `ended`: the parent has just ended, so the next attempt creates a process without one. `fenced`: a
      // child that the new process was to adopt has changed meanwhile.
      if (outcome.status !== 'ended' && outcome.status !== 'fenced') requireCreated(create, outcome)
    }
  }

  /** Creates a process from the inputs of an ended one. */
  async resubmit(pid: string): Promise<NewProcess> {
    const create = await resubmitWrite(this.#store, pid, this.#clock.now())
    const done = requireCreated(create, await this.#commits.write(create))
    return { pid: done.pid, className: create.className }
  }
}
