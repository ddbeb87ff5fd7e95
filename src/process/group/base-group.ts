import { InvalidStateError, NotReady, ProcessLost } from '../../shared/errors.ts'
import { checkOptions } from '../../shared/options.ts'
import { waitLimit, within } from '../../shared/wait-limit.ts'
import type { AbortOutcome, BaseHandle } from '../handle/base-handle.ts'
import { display } from '../handle/display.ts'
import { elapsed, serialTime, wallTime, type KnownTimes } from '../handle/times.ts'
import type {
  AbortedPids,
  GroupProgress,
  InteractiveOptions,
  ProcessGroup,
  TimedeltaOptions,
  Times,
} from '../host/process-group.ts'
import { isLost } from '../host/lost-outcome.ts'
import type { DisplayOptions } from '../host/display-options.ts'
import type { FollowOptions } from '../host/follow-options.ts'
import type { GroupRecord } from '../host/reference-record.ts'
import type { LogChunk, Metadata, StateInfo, TreeOptions, WaitOptions } from '../host/process-handle.ts'
import { INSPECT } from '../../shared/inspect.ts'
import { ProcessState } from '../state/process-state.ts'
import type { Items } from './items.ts'
import { mergedLogs } from './merged-logs.ts'
import { waitInteractive } from './wait-interactive.ts'
import { WaitingGroup, unfinished } from './waiting-group.ts'

/**
 * The base of all groups, in memory and in a client: everything that follows from the handles. The
 * classes that extend it find the handles.
 */
export abstract class BaseGroup<R = unknown> extends WaitingGroup<R> implements ProcessGroup<R> {
  /**
   * @internal Returns this group, followed by others.
   *
   * @throws TypeError for a group of another store
   */
  abstract joined(others: readonly BaseGroup<R>[]): ProcessGroup<R>
  /** `console.log(group)` in Node: the name, the length and the progress, without I/O. */
  [INSPECT](): string {
    const { name, length } = this
    const { completed, byState, lost } = this.progress
    const states = Object.entries({ ...byState, lost }).flatMap(([state, count]) =>
      count > 0 ? [`${count} ${state}`] : [],
    )
    const known = length === 0 ? 'empty' : `${completed} of ${length} have ended (${states.join(', ')})`
    return `ProcessGroup { ${name}: ${known} }`
  }

  abstract save(path?: string): Promise<string>
  /** The id of the store of the processes. */
  protected abstract readonly store: string

  toJSON(): GroupRecord {
    const { name, store, pids, ordered, items } = this
    return { version: 1, name, store, pids, ordered, ...(items !== undefined && { items }) }
  }

  /** Calls for each process once. Resolves to the answers, one for each position. */
  async #ask<T>(ask: (handle: BaseHandle) => Promise<T>): Promise<T[]> {
    const asked = [...this.members.values()].map(async (handle) => [handle.pid, await ask(handle)] as const)
    const answers = new Map(await Promise.all(asked))
    return this.pids.map((pid) => answers.get(pid) as T)
  }

  // ---------- reading ----------

  get statuses(): readonly StateInfo[] {
    return this.each(({ state }) => state)
  }

  get progress(): GroupProgress {
    const byState = Object.fromEntries(Object.values(ProcessState).map((state) => [state, 0])) as Record<
      ProcessState,
      number
    >
    let ended = 0
    let lost = 0
    for (const [position, state] of this.statuses.entries()) {
      const count = this.items?.[position] ?? 1
      if (isLost(state)) lost += count
      else {
        byState[state.label] += count
        if (state.terminal) ended += count
      }
    }
    const total = this.length
    const completed = ended + lost
    return { completed, total, fraction: total === 0 ? 1 : completed / total, byState, lost }
  }

  async refresh(options: WaitOptions = {}): Promise<void> {
    waitLimit(options)
    const left = [...this.members.values()].filter(({ done }) => !done)
    const reading = Promise.all(left.map((handle) => unlessLost(handle.refresh())))
    await within(this.clock, reading, options, () => this.timedOut())
  }

  async isReady(options: WaitOptions = {}): Promise<boolean> {
    await this.refresh(options)
    return unfinished(this.members).length === 0
  }

  successful(): boolean {
    // Checks each of them, so that one that has not ended is never overlooked.
    return this.each((handle) => handle.successful()).every((isSuccessful) => isSuccessful)
  }

  async submitted(options: WaitOptions = {}): Promise<void> {
    waitLimit(options)
    const stored = Promise.all(Array.from(this.members.values(), (handle) => handle.submitted()))
    await within(this.clock, stored, options, () => this.timedOut())
  }

  async metadata(): Promise<Metadata[]> {
    return this.#ask(async (handle) => (await unlessLost(handle.metadata())) ?? lostMetadata(handle))
  }

  async field<K extends keyof Metadata>(name: K): Promise<Metadata[K][]> {
    const all = await this.metadata()
    const unknown = all.find((one) => !Object.hasOwn(one, name))
    if (unknown !== undefined)
      throw new TypeError(
        `group.field: there is no field ${name}; there are ${Object.keys(unknown).join(', ')}`,
      )
    return all.map((one) => one[name])
  }

  async byWorker(options: WaitOptions = {}): Promise<Map<string, R>> {
    if (this.items?.some((count) => count !== null) === true)
      throw new InvalidStateError(
        `byWorker: each process of the group ${this.name} has several results, since it was launched in chunks; use metadata()`,
      )
    const results = await this.result(options)
    const found = new Map<string, R>()
    for (const [index, { worker, pid }] of (await this.metadata()).entries()) {
      if (worker === null)
        throw new InvalidStateError(`byWorker: no engine has run process ${pid} of the group ${this.name}`)
      if (found.has(worker))
        throw new InvalidStateError(
          `byWorker: engine ${worker} has run several processes of the group ${this.name}; use metadata()`,
        )
      found.set(worker, results[index] as R)
    }
    return found
  }

  // ---------- lifetime of the results ----------

  retain(): void {
    for (const handle of this.members.values()) handle.retain()
  }

  async release(): Promise<void> {
    await this.#ask((handle) => handle.releaseOfGroup())
  }

  async purge(): Promise<void> {
    const running = unfinished(this.members)
    await Promise.all(running.map((handle) => handle.refreshState()))
    const left = unfinished(this.members).length
    if (left > 0)
      throw new NotReady(
        `${left} (of ${this.members.size}) processes of the group ${this.name} have not ended, so nothing was purged; wait() for them first`,
      )
    await this.#ask((handle) => handle.purge())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }

  // ---------- times ----------

  elapsed(): number {
    return elapsed(this.#times(), this.clock.now(), this.#who)
  }

  wallTime(): number {
    return wallTime(this.#times(), this.#who)
  }

  serialTime(): number {
    return serialTime(this.#times(), this.#who)
  }

  timedelta(start: Times, end: Times, options: TimedeltaOptions = {}): number {
    checkOptions(options, { startKey: true, endKey: true }, 'timedelta')
    const { startKey = first, endKey = last } = options
    return oneOf(end, endKey).getTime() - oneOf(start, startKey).getTime()
  }

  /** The items of this group and of others; undefined if no process is a chunk. */
  protected itemsWith(others: readonly BaseGroup<R>[]): Items | undefined {
    const all = [this, ...others]
    if (all.every(({ items }) => items === undefined)) return undefined
    return all.flatMap(({ items, pids }) => items ?? pids.map(() => null))
  }

  #times(): readonly KnownTimes[] {
    const stored = [...this.members.values()].filter(({ state }) => !isLost(state))
    return stored.map(({ times }) => times)
  }

  get #who(): string {
    return `the group ${this.name}`
  }

  // ---------- output ----------

  logs(options: Omit<FollowOptions, 'after'> = {}): AsyncIterable<LogChunk> {
    return mergedLogs([...this.members.values()], options)
  }

  display(options: DisplayOptions = {}): Promise<void> {
    return display([...this.members.values()], options)
  }

  async outputComplete(options: WaitOptions = {}): Promise<boolean> {
    return (await this.wait(options)).pending.length === 0
  }

  waitInteractive(options: InteractiveOptions = {}): Promise<boolean> {
    return waitInteractive(
      {
        clock: this.clock,
        watched: [...this.members.values()],
        wait: (limits) => this.wait(limits),
        progress: () => this.progress,
      },
      options,
    )
  }

  // ---------- control ----------

  /** False for a process that is not in the store, as for one that has ended. */
  #control(request: (handle: BaseHandle) => Promise<boolean>): Promise<boolean[]> {
    return this.#ask(async (handle) => (await unlessLost(request(handle))) ?? false)
  }

  async abort(reason?: string): Promise<AbortedPids> {
    const pids: Record<AbortOutcome, string[]> = { aborted: [], running: [], done: [] }
    const asked = Array.from(
      this.members.values(),
      async (handle) =>
        [handle.pid, (await unlessLost(handle.tryAbort(reason))) ?? ('done' as const)] as const,
    )
    for (const [pid, outcome] of await Promise.all(asked)) pids[outcome].push(pid)
    return pids
  }

  pause(message?: string, options?: TreeOptions): Promise<boolean[]> {
    return this.#control((handle) => handle.pause(message, options))
  }

  play(options?: TreeOptions): Promise<boolean[]> {
    return this.#control((handle) => handle.play(options))
  }

  kill(
    message?: string,
    options?: TreeOptions & { readonly force?: boolean | undefined },
  ): Promise<boolean[]> {
    return this.#control((handle) => handle.kill(message, options))
  }
}

/** Resolves to undefined for a process that is not in the store, which must not affect the others. */
async function unlessLost<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof ProcessLost) return undefined
    throw error
  }
}

/** The metadata of a process that is not in the store. */
function lostMetadata(handle: BaseHandle): Metadata {
  const { pid, name, call, state, timing } = handle
  return {
    pid,
    name,
    call,
    label: null,
    worker: null,
    attempt: 1,
    state,
    error: handle.exception(),
    stdout: '',
    stderr: '',
    published: {},
    after: [],
    ...timing,
  }
}

function oneOf(times: Times, choose: (times: readonly Date[]) => Date): Date {
  if (times instanceof Date) return times
  if (times.length === 0) throw new RangeError('timedelta takes a date, or a list of dates that is not empty')
  return choose(times)
}

function first(times: readonly Date[]): Date {
  return times.reduce((one, other) => (other < one ? other : one))
}

function last(times: readonly Date[]): Date {
  return times.reduce((one, other) => (other > one ? other : one))
}
