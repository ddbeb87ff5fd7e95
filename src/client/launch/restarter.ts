import type { Codec } from '../../bundle/codec.ts'
import type { Done, Outcome } from '../../persistence/contract/outcomes.ts'
import type { Store } from '../../persistence/contract/store.ts'
import type { Create } from '../../persistence/contract/writes.ts'
import type { Clock } from '../../shared/clock.ts'
import type { Logger } from '../../shared/logger.ts'
import type { GroupCommit } from '../write/group-commit.ts'
import type { ClientSession } from '../write/client-session.ts'
import type { Requests } from '../write/requests.ts'
import { encodeChanges, type EditChanges, type InputChanges } from '../write/edits.ts'
import { errorText } from '../../shared/error-text.ts'
import { ProcessError, ResubmitError, type Resubmitted } from '../../shared/errors.ts'
import { newPid } from '../../shared/ids.ts'
import { resubmittedPid } from './child-pid.ts'
import { requireCreated } from './create-write.ts'
import type { Launches } from './launches.ts'
import { successorRows } from '../read/successors.ts'
import { restartWrites } from './restart.ts'
import { resubmitWrite } from './resubmit.ts'

/** Options of `restart`. */
export interface RestartOptions {
  /**
   * The tag of a checkpoint that the process kept with `this.checkpoint(tag)`. Default: the last
   * step before the end.
   */
  readonly from?: string | undefined
  /** Other values for the context and the arguments of the step, as `edit` takes them. */
  readonly set?: EditChanges | undefined
}

/** Options of `resubmit`. */
export interface ResubmitOptions {
  /** Other values for the inputs: `{ 'inputs.amount': 3 }`. */
  readonly set?: InputChanges | undefined
}

/** Asks a restarted child to end, because its parent could not be created. */
const UNUSED = { kind: 'kill', message: 'its parent was not restarted', force: false } as const

/** A process that was created in the store. */
export interface NewProcess {
  readonly pid: string
  readonly className: string
}

/** The collaborators of a restarter. */
export interface RestarterParts {
  readonly store: Store
  readonly commits: GroupCommit
  readonly requests: Requests
  readonly session: ClientSession
  readonly launches: Launches
  readonly codec: Codec
  readonly clock: Clock
  readonly logger: Logger
}

/** Creates new processes from ended ones. */
export class Restarter {
  readonly #parts: RestarterParts

  constructor(parts: RestarterParts) {
    this.#parts = parts
  }

  /** Creates a process that continues from the last step of an ended one, or from a checkpoint. */
  async restart(pid: string, { from, set }: RestartOptions = {}): Promise<NewProcess> {
    const { store, commits, requests, codec, clock } = this.#parts
    const changes = set === undefined ? [] : encodeChanges(set, ['ctx', 'args'], codec, 'restart')
    await this.#warnOfEarlier(pid)
    for (;;) {
      const writes = await this.#retaining(await restartWrites(store, pid, { from, changes }, clock.now()))
      const outcomes = await commits.writeAll(writes)
      const [create, outcome] = [writes.at(-1) as Create, outcomes.at(-1) as Outcome]
      if (outcome.status === 'done') return this.#made(create, outcome)
      const orphans = outcomes.filter(({ status }) => status === 'done') as Done[]
      await Promise.all(orphans.map(({ pid: orphan }) => requests.request(orphan, UNUSED, true)))
      // `ended`: the parent has just ended, so the next attempt creates a process without one. `fenced`: a
      // child that the new process was to adopt has changed meanwhile, or a result that it may take was dropped.
      if (outcome.status !== 'ended' && outcome.status !== 'fenced') requireCreated(create, outcome)
    }
  }

  /**
   * Creates a process from the inputs of each of these ended ones. Writes nothing unless all of them have
   * ended and their inputs fit. With `once`, leaves out processes that another call with `once` resubmits
   * at the same time.
   *
   * @throws ResubmitError if the store refuses some of them; it answers each write separately
   */
  async resubmit(
    pids: readonly string[],
    { set }: ResubmitOptions = {},
    { once = false } = {},
  ): Promise<readonly NewProcess[]> {
    const { store, commits, launches, codec, clock } = this.#parts
    const changes = set === undefined ? [] : encodeChanges(set, ['inputs'], codec, 'resubmit')
    const writes = await Promise.all(
      pids.map(async (pid) => {
        if (!once) await this.#warnOfEarlier(pid)
        const as = once ? resubmittedPid(pid) : newPid()
        const write = await resubmitWrite(store, pid, as, changes, clock.now())
        if (changes.length > 0) await launches.checkAgain(write)
        return write
      }),
    )
    const creates = await this.#retaining(writes)
    const made = await Promise.allSettled(
      creates.map(async (create) => {
        const outcome = await commits.write(create)
        return once && isOfAnother(outcome) ? undefined : this.#made(create, requireCreated(create, outcome))
      }),
    )
    return allMade(pids, made)
  }

  #made({ className, retainedBy }: Create, { pid }: Done): NewProcess {
    if (retainedBy !== undefined) this.#parts.session.launched(pid)
    return { pid, className }
  }

  /** The writes with the retention of the old processes. A child is kept by its parent. */
  async #retaining(writes: readonly Create[]): Promise<readonly Create[]> {
    const { store, session } = this.#parts
    const lifetimes = await store.lifetimes(writes.flatMap(({ origin }) => origin?.pid ?? []))
    const known = new Map(lifetimes.map(({ pid, retention }) => [pid, retention]))
    const retaining = writes.map((write) => {
      const retention = known.get(write.origin?.pid ?? '') ?? undefined
      const isRetained = retention?.policy === 'refs' && write.parent === null
      return { ...write, retention, ...(isRetained && { retainedBy: session.id }) }
    })
    if (retaining.some(({ retainedBy }) => retainedBy !== undefined)) await session.open()
    return retaining
  }

  /** Warns if a failed process was restarted or resubmitted before: its work is done twice. */
  async #warnOfEarlier(pid: string): Promise<void> {
    const { store, logger } = this.#parts
    const again = (await successorRows(store, pid)).map((row) => row.pid)
    if (again.length > 0 && (await store.read(pid))?.successful === false)
      logger.warn({ pid, again }, 'a process begins again that was restarted or resubmitted before')
  }
}

/** Whether the store has the pid of a process that is created already. */
function isOfAnother(outcome: Outcome): boolean {
  return outcome.status === 'conflict' || (outcome.status === 'done' && outcome.existed === true)
}

/** @throws ResubmitError if only some were made, or the first error if none was made */
function allMade(
  pids: readonly string[],
  made: readonly PromiseSettledResult<NewProcess | undefined>[],
): readonly NewProcess[] {
  const created: NewProcess[] = []
  const resubmitted: Resubmitted[] = []
  const errors: ProcessError[] = []
  for (const [index, one] of made.entries()) {
    const from = pids[index] as string
    if (one.status === 'fulfilled') {
      if (one.value === undefined) continue
      created.push(one.value)
      resubmitted.push({ from, pid: one.value.pid })
    } else errors.push(new ProcessError(from, errorText(one.reason), { cause: one.reason }))
  }
  if (created.length > 0 && errors.length > 0) throw new ResubmitError(errors, resubmitted)
  const [error] = errors
  if (error !== undefined) throw error.cause
  return created
}
