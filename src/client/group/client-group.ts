import { BaseGroup } from '../../process/group/base-group.ts'
import type { GroupMembers } from '../../process/group/waiting-group.ts'
import type { BaseHandle } from '../../process/handle/base-handle.ts'
import type { StepWait } from '../../process/state/transition.ts'
import { waitFor, waitsForText } from '../../process/step/wait-conditions.ts'
import type { Clock } from '../../shared/clock.ts'
import { saveReference } from '../handle/reference-file.ts'
import type { LocalEngine } from '../handle/local-engine.ts'

/** The parts of a client that its groups use. */
export interface GroupParts {
  readonly store: { readonly id: string }
  readonly clock: Clock
  readonly registry: { readonly localEngine: LocalEngine | undefined }
  /** Returns the handle of a process: the same object for each call while a caller holds it. */
  handle(pid: string, name: string): BaseHandle
}

/** A group of processes in a store. */
export class ClientGroup<R = unknown> extends BaseGroup<R> {
  readonly #parts: GroupParts

  protected readonly clock: Clock

  constructor(parts: GroupParts, members: GroupMembers) {
    super(members)
    this.#parts = parts
    this.clock = parts.clock
  }

  protected handle(pid: string): BaseHandle {
    return this.#parts.handle(pid, '')
  }

  protected like(members: GroupMembers): ClientGroup<R> {
    return new ClientGroup(this.#parts, members)
  }

  protected whileWaiting<T>(pids: () => readonly string[], wait: () => Promise<T>): Promise<T> {
    const { localEngine } = this.#parts.registry
    if (localEngine === undefined) return wait()
    const describe = (): StepWait => {
      const on = pids()
      return waitFor({ on }, waitsForText(on))
    }
    return localEngine.whileWaiting(describe, wait)
  }

  protected get store(): string {
    return this.#parts.store.id
  }

  async save(path?: string): Promise<string> {
    return saveReference(this.toJSON(), path)
  }

  joined(others: readonly BaseGroup<R>[]): ClientGroup<R> {
    const pids = [this, ...others].flatMap((group) => {
      const isOfThisStore = group instanceof ClientGroup && group.#parts.store.id === this.#parts.store.id
      if (!isOfThisStore) throw new TypeError(`joinGroups: the group ${group.name} is not of the same store`)
      return group.pids
    })
    return new ClientGroup<R>(this.#parts, {
      pids,
      name: this.name,
      ordered: this.ordered,
      items: this.itemsWith(others),
    })
  }
}
