import { systemClock, type Clock } from '../../shared/clock.ts'
import { InvalidStateError } from '../../shared/errors.ts'
import type { BaseHandle } from '../handle/base-handle.ts'
import { whileWaiting } from '../handle/while-waiting.ts'
import { waitsForText } from '../step/wait-conditions.ts'
import { BaseGroup } from './base-group.ts'
import type { GroupMembers } from './waiting-group.ts'

/** A group of processes in memory. It holds their handles, since nothing else finds the processes again. */
export class MemoryGroup<R = unknown> extends BaseGroup<R> {
  protected readonly store = 'memory'
  protected readonly clock: Clock
  readonly #handles: ReadonlyMap<string, BaseHandle>

  constructor(
    handles: readonly BaseHandle[],
    { name, ordered, items }: Omit<GroupMembers, 'pids'>,
    clock: Clock = systemClock,
  ) {
    super({ pids: handles.map(({ pid }) => pid), name, ordered, items })
    this.clock = clock
    this.#handles = new Map(handles.map((handle) => [handle.pid, handle]))
  }

  protected handle(pid: string): BaseHandle {
    return this.#handles.get(pid) as BaseHandle
  }

  protected like({ pids, ...rest }: GroupMembers): MemoryGroup<R> {
    const handles = pids.map((pid) => this.handle(pid))
    return new MemoryGroup<R>(handles, rest, this.clock)
  }

  protected whileWaiting<T>(pids: () => readonly string[], wait: () => Promise<T>): Promise<T> {
    return whileWaiting(() => waitsForText(pids()), wait)
  }

  async save(): Promise<string> {
    throw new InvalidStateError(
      `the processes of the group ${this.name} run in memory, where no other program finds them`,
    )
  }

  joined(others: readonly BaseGroup<R>[]): MemoryGroup<R> {
    const handles = [this, ...others].flatMap((group) => {
      if (group instanceof MemoryGroup) return group.#all()
      throw new TypeError('joinGroups: groups in memory and groups of a store cannot be joined')
    })
    const { name, ordered } = this
    return new MemoryGroup<R>(handles, { name, ordered, items: this.itemsWith(others) }, this.clock)
  }

  #all(): readonly BaseHandle[] {
    return this.pids.map((pid) => this.handle(pid))
  }
}
