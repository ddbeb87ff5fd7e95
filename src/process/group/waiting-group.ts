import type { Clock } from '../../shared/clock.ts'
import { GroupError, WaitTimeout, type ProcessError } from '../../shared/errors.ts'
import { checkOptions, isAbortSignal, isFlag, type OptionCheck } from '../../shared/options.ts'
import { waitLimit } from '../../shared/wait-limit.ts'
import type { BaseHandle } from '../handle/base-handle.ts'
import type {
  GroupResultOptions,
  GroupWaitOptions,
  ProcessGroup,
  ValuesOptions,
} from '../host/process-group.ts'
import type { ProcessHandle, Settled, WaitOptions } from '../host/process-handle.ts'
import { withinStep } from '../step/operation.ts'
import { Ends } from './ends.ts'
import { countOf, outcomesOfItems, processesOf, processOf, type Items } from './items.ts'
import { checkReturnWhen, enough } from './return-when.ts'

/** What a group is constructed from. */
export interface GroupMembers {
  readonly pids: readonly string[]
  readonly name: string
  readonly ordered: boolean
  /** Undefined if no process is a chunk. */
  readonly items?: Items | undefined
}

const WAIT = { timeout: true, signal: isAbortSignal } as const

/**
 * The members of a group, in memory or in a client, and the waits for them.
 *
 * 1. A group holds pids. Once it has read its processes, it also holds their handles, so that their
 *    known states are kept.
 * 2. A wait takes one timer and one callback per process, whatever it waits for (`Ends`). The
 *    handles share the queries of their client.
 */
export abstract class WaitingGroup<R = unknown> {
  readonly pids: readonly string[]
  readonly name: string
  readonly ordered: boolean
  /** Undefined if no process is a chunk. */
  protected readonly items: Items | undefined
  #held: ReadonlyMap<string, BaseHandle> | undefined

  protected constructor({ pids, name, ordered, items }: GroupMembers) {
    this.pids = Object.freeze([...pids])
    this.name = name
    this.ordered = ordered
    this.items = items
  }

  protected abstract readonly clock: Clock

  /** The handle of a process of the group: the same object while a caller holds it. */
  protected abstract handle(pid: string): BaseHandle

  /** A group of the same kind. */
  protected abstract like(members: GroupMembers): ProcessGroup<R>

  /** Runs a wait for processes of the group. A step that waits lends its slot meanwhile. */
  protected abstract whileWaiting<T>(pids: () => readonly string[], wait: () => Promise<T>): Promise<T>

  // ---------- members ----------

  get length(): number {
    return this.items === undefined ? this.pids.length : countOf(this.items)
  }

  get handles(): readonly ProcessHandle<R>[] {
    return [...this]
  }

  at(index: number): ProcessHandle<R> | undefined {
    const position = this.items === undefined ? index : processOf(this.items, index)
    const pid = position === undefined ? undefined : this.pids.at(position)
    return pid === undefined ? undefined : asHandle(this.handle(pid))
  }

  slice(start?: number, end?: number): ProcessGroup<R> {
    const [from, to] = this.items === undefined ? [start, end] : processesOf(this.items, start, end)
    return this.#processes(from, to)
  }

  split(): readonly ProcessGroup<R>[] {
    return this.pids.map((_, index) => this.#processes(index, index + 1))
  }

  /** The group of some of the processes. */
  #processes(from?: number, to?: number): ProcessGroup<R> {
    const { name, ordered, pids, items } = this
    return this.like({ pids: pids.slice(from, to), name, ordered, items: items?.slice(from, to) })
  }

  *[Symbol.iterator](): Iterator<ProcessHandle<R>> {
    for (const pid of this.pids) yield asHandle(this.handle(pid))
  }

  /** @internal What stands for the results in the inputs of a launch: handles, or references to the items of chunks. */
  itemReferences(): readonly unknown[] {
    const { items } = this
    if (items === undefined) return this.handles
    return this.handles.flatMap((handle, position): unknown[] => {
      const count = items[position] ?? null
      if (count === null) return [handle]
      return Array.from({ length: count }, (_, item) => handle.outputs.ref(item))
    })
  }

  /** The handles by pid, each once, in the order of the group. */
  protected get members(): ReadonlyMap<string, BaseHandle> {
    this.#held ??= new Map(this.pids.map((pid) => [pid, this.handle(pid)]))
    return this.#held
  }

  /** One value for each process of the group, in its order. */
  protected each<T>(read: (handle: BaseHandle, position: number) => T): T[] {
    const { members } = this
    return this.pids.map((pid, position) => read(members.get(pid) as BaseHandle, position))
  }

  /** The pids of the processes that are chunks. */
  get #chunks(): ReadonlySet<string> {
    return new Set(this.pids.filter((_, position) => (this.items?.[position] ?? null) !== null))
  }

  /** The outcomes that are known, one for each item, or for each chunk that failed. */
  #outcomesOfItems(): Settled<R>[] {
    const outcomes = this.each((handle) => handle.takeOutcome())
    const { items } = this
    if (items === undefined) return outcomes as Settled<R>[]
    return outcomes.flatMap((outcome, position) =>
      (items[position] ?? null) === null ? [outcome as Settled<R>] : outcomesOfItems<R>(outcome),
    )
  }

  // ---------- waiting ----------

  wait(
    options: GroupWaitOptions = {},
  ): Promise<{ readonly done: ProcessHandle<R>[]; readonly pending: ProcessHandle<R>[] }> {
    return withinStep(this.#wait(options))
  }

  async #wait(given: GroupWaitOptions): Promise<{
    readonly done: ProcessHandle<R>[]
    readonly pending: ProcessHandle<R>[]
  }> {
    checkOptions(given, { ...WAIT, returnWhen: true }, 'group.wait')
    const { returnWhen = 'all', ...options } = given
    checkReturnWhen(returnWhen, this.members.size)
    await this.#until(options, enough(returnWhen))
    const all = [...this.members.values()]
    return {
      done: all.filter(({ over }) => over).map((handle) => asHandle(handle)),
      pending: all.filter(({ over }) => !over).map((handle) => asHandle(handle)),
    }
  }

  result(options?: GroupResultOptions & { readonly raiseOnFailure?: true | undefined }): Promise<R[]>
  result(options: GroupResultOptions & { readonly raiseOnFailure: false }): Promise<(R | ProcessError)[]>
  result(options: GroupResultOptions = {}): Promise<(R | ProcessError)[]> {
    return withinStep(this.#result(options))
  }

  async #result(options: GroupResultOptions): Promise<(R | ProcessError)[]> {
    checkOptions(options, RESULT, 'group.result')
    const { returnWhen = 'first-failure', raiseOnFailure = true, timeout, signal } = options
    const failsFast = raiseOnFailure && returnWhen === 'first-failure'
    const failures: ProcessError[] = []
    const isEnough = (ended: BaseHandle): boolean => {
      const failure = failsFast ? ended.failure() : null
      if (failure !== null) failures.push(failure)
      return failure !== null
    }
    if (!(await this.#until({ timeout, signal }, isEnough))) throw this.timedOut()
    const [first] = failures
    if (first !== undefined) throw first
    if (raiseOnFailure) this.#throwIfAnyFailed()
    return this.#outcomesOfItems().map((outcome) =>
      outcome.status === 'fulfilled' ? outcome.value : outcome.reason,
    )
  }

  #throwIfAnyFailed(): void {
    const errors = [...this.members.values()].flatMap((handle) => handle.failure() ?? [])
    if (errors.length > 0) throw new GroupError(errors)
  }

  outcomes(options: WaitOptions = {}): Promise<Settled<R>[]> {
    return withinStep(this.#outcomes(options))
  }

  async #outcomes(options: WaitOptions): Promise<Settled<R>[]> {
    if (!(await this.#until(options, () => false))) throw this.timedOut()
    return this.#outcomesOfItems()
  }

  results(): (R | null)[] {
    const { items } = this
    const found = this.each((handle, position): readonly (R | null)[] => {
      const count = items?.[position] ?? null
      const outcome = handle.over ? handle.takeOutcome() : undefined
      if (outcome?.status !== 'fulfilled') return Array.from({ length: count ?? 1 }, () => null)
      return count === null ? [outcome.value as R] : (outcome.value as readonly R[])
    })
    return found.flat()
  }

  values(options?: ValuesOptions & { readonly raiseOnFailure?: true | undefined }): AsyncIterableIterator<R>
  values(options: ValuesOptions & { readonly raiseOnFailure: false }): AsyncIterableIterator<R | ProcessError>
  values(options: ValuesOptions = {}): AsyncIterableIterator<R | ProcessError> {
    checkOptions(
      options,
      { ...WAIT, raiseOnFailure: isFlag, ordered: isFlag, release: isFlag },
      'group.values',
    )
    const { ordered = this.ordered, raiseOnFailure = true, release = false, timeout, signal } = options
    waitLimit({ timeout, signal })
    const handles = ordered ? this.#inOrder({ timeout, signal }) : this.#asTheyEnd({ timeout, signal })
    return withinSteps(valuesOf<R>(release ? this.#purging(handles) : handles, raiseOnFailure, this.#chunks))
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<R> {
    return this.values()
  }

  asCompleted(options: WaitOptions = {}): AsyncIterableIterator<ProcessHandle<R>> {
    waitLimit(options)
    return withinSteps(
      this.#completed(options),
    ) as AsyncIterableIterator<ProcessHandle> as AsyncIterableIterator<ProcessHandle<R>>
  }

  /** The handles as they end, each once. */
  async *#completed(options: WaitOptions): AsyncGenerator<BaseHandle, undefined> {
    const ends = await this.#ends(options)
    try {
      for (;;) {
        const next = ends.take()
        if (next !== undefined) {
          yield next
          // The body of the loop may have aborted it, with ends left to take.
          options.signal?.throwIfAborted()
        } else if (!(await this.#more(ends))) break
      }
      if (ends.pending.size > 0) throw this.timedOut()
    } finally {
      ends.close()
    }
  }

  /** The handles of all positions, as they end. */
  async *#asTheyEnd(options: WaitOptions): AsyncGenerator<BaseHandle, undefined> {
    const times = new Map<string, number>()
    for (const pid of this.pids) times.set(pid, (times.get(pid) ?? 0) + 1)
    for await (const handle of this.#completed(options))
      for (let left = times.get(handle.pid) ?? 0; left > 0; left--) {
        yield handle
        options.signal?.throwIfAborted()
      }
  }

  /** The handles of all positions in the order of the group, each once it has ended. */
  async *#inOrder(options: WaitOptions): AsyncGenerator<BaseHandle, undefined> {
    const { members } = this
    const ends = await this.#ends(options)
    try {
      for (const pid of this.pids) {
        const handle = members.get(pid) as BaseHandle
        while (ends.pending.has(handle)) {
          while (ends.take() !== undefined);
          if (ends.pending.has(handle) && !(await this.#more(ends))) throw this.timedOut()
        }
        yield handle
        options.signal?.throwIfAborted()
      }
    } finally {
      ends.close()
    }
  }

  /** Drops the result of a process once the caller is done with the last of its positions. */
  async *#purging(handles: AsyncIterable<BaseHandle>): AsyncGenerator<BaseHandle, undefined> {
    const left = new Map<string, number>()
    for (const pid of this.pids) left.set(pid, (left.get(pid) ?? 0) + 1)
    for await (const handle of handles) {
      yield handle
      const more = (left.get(handle.pid) ?? 1) - 1
      left.set(handle.pid, more)
      if (more === 0 && !handle.isLost) await handle.purge()
    }
  }

  /** Waits until there is an end to take; false if there comes none. */
  #more(ends: Ends): Promise<boolean> {
    if (!ends.waits) return ends.more()
    // One of the processes stands for all, so that the wait for each end costs the same.
    const [one] = ends.pending
    return this.whileWaiting(
      () => (one === undefined ? [] : [one.pid]),
      () => ends.more(),
    )
  }

  /**
   * Waits until enough processes have ended, or all of them. Resolves to false if the time is up
   * before.
   */
  async #until(options: WaitOptions, isEnough: (ended: BaseHandle) => boolean): Promise<boolean> {
    const ends = await this.#ends(options)
    const takesEnough = (): boolean => {
      for (let next = ends.take(); next !== undefined; next = ends.take()) if (isEnough(next)) return true
      return false
    }
    try {
      if (takesEnough()) return true
      const wait = async (): Promise<boolean> => {
        while (await ends.more()) if (takesEnough()) return true
        return ends.pending.size === 0
      }
      const pids = (): readonly string[] => Array.from(ends.pending, ({ pid }) => pid)
      return await (ends.waits ? this.whileWaiting(pids, wait) : wait())
    } finally {
      ends.close()
    }
  }

  async #ends(options: WaitOptions): Promise<Ends> {
    const timeout = waitLimit(options)
    const { members, clock } = this
    if (timeout === 0) await Promise.all(unfinished(members).map((handle) => handle.refreshState()))
    return new Ends(members.values(), { clock, timeout, signal: options.signal })
  }

  protected timedOut(): WaitTimeout {
    const pending = unfinished(this.members).map(({ pid }) => pid)
    return new WaitTimeout(
      `${pending.length} (of ${this.members.size}) processes of the group ${this.name} had not ended when the wait timed out; they continue`,
      pending,
      this.members.size,
    )
  }
}

const returnsResults: OptionCheck = (what, value) => {
  if (value !== 'all' && value !== 'first-failure')
    throw new TypeError(`${what} is 'all' or 'first-failure', not ${JSON.stringify(value)}`)
}
const RESULT = { ...WAIT, raiseOnFailure: isFlag, returnWhen: returnsResults } as const

async function* valuesOf<R>(
  handles: AsyncIterable<BaseHandle>,
  raiseOnFailure: boolean,
  chunks: ReadonlySet<string>,
): AsyncGenerator<R | ProcessError, undefined> {
  for await (const handle of handles) {
    const outcome = handle.takeOutcome()
    if (outcome.status === 'fulfilled') {
      if (chunks.has(handle.pid)) yield* outcome.value as R[]
      else yield outcome.value as R
    } else if (raiseOnFailure) throw outcome.reason
    else yield outcome.reason
  }
}

/** A step may leave the promise of a `next()` pending, as it may any wait. */
function withinSteps<T>(values: AsyncGenerator<T, undefined>): AsyncIterableIterator<T, undefined> {
  const iterator: AsyncIterableIterator<T, undefined> = {
    next: () => withinStep(values.next()),
    return: () => values.return(undefined),
    [Symbol.asyncIterator]: () => iterator,
  }
  return iterator
}

export function unfinished(members: ReadonlyMap<string, BaseHandle>): readonly BaseHandle[] {
  return [...members.values()].filter(({ over }) => !over)
}

function asHandle<R>(handle: BaseHandle): ProcessHandle<R> {
  return handle as ProcessHandle as ProcessHandle<R>
}
