import type { Control } from '../../persistence/contract/control.ts'
import { chunkSizes, type ChunkInputs } from '../../process/host/chunks.ts'
import type { GroupMember, GroupPosition, GroupRow } from '../../persistence/contract/groups.ts'
import { LARGEST_MEMBERS } from '../../persistence/contract/groups.ts'
import { GroupLaunch, type StoringMember } from '../../process/group/group-launch.ts'
import type { GroupSettings, InputsSource } from '../../process/host/group-options.ts'
import { waitFor, waitsForText } from '../../process/step/wait-conditions.ts'
import type { AbortSignal } from '../../shared/abort-signal.ts'
import { onAbort } from '../../shared/abort.ts'
import { errorText } from '../../shared/error-text.ts'
import { GroupNotFound } from '../../shared/errors.ts'
import type { Logger } from '../../shared/logger.ts'
import { requireCreated, type Launcher } from '../launch/create-write.ts'
import type { BulkWrites } from '../write/bulk.ts'
import type { GroupCommit } from '../write/group-commit.ts'
import { ClientGroup, type GroupParts } from './client-group.ts'

export type Inputs = Readonly<Record<string, unknown>>

/** A launch of a group. */
export interface GroupStart {
  /** The call, for messages. */
  readonly where: string
  readonly name: string
  readonly inputs: InputsSource<Inputs>
  readonly settings: GroupSettings
  readonly signal: AbortSignal | undefined
  readonly launcher: Launcher
  /** Launches one member. Throws or rejects for inputs that do not fit. */
  launch(inputs: Inputs, group: GroupPosition): StoringMember | Promise<StoringMember>
  /** Reads the store. */
  read<T>(read: () => Promise<T>): Promise<T>
}

/** The parts of a client that launch groups. */
export interface StartingParts extends GroupParts {
  readonly store: Control
  readonly commits: GroupCommit
  readonly bulk: BulkWrites
  readonly logger: Logger
}

/** Launches groups, and finds those that are stored. */
export class GroupStarts {
  readonly #parts: StartingParts

  constructor(parts: StartingParts) {
    this.#parts = parts
  }

  async start<R>(start: GroupStart): Promise<ClientGroup<R>> {
    const { where, name, inputs, settings, signal, launcher } = start
    // A name given by the caller may belong to a group that is already stored.
    const known =
      settings.group === undefined ? undefined : await start.read(() => this.#parts.store.group(name))
    const ordered = settings.ordered ?? known?.ordered ?? true
    const byStep = launcher.parent !== null && settings.group === undefined
    const { chunkSize = 1 } = settings
    let length = 0
    const members = new GroupLaunch<Inputs>({
      where,
      name,
      maxOutstanding: settings.maxOutstanding ?? 0,
      known: known?.launched ?? 0,
      signal,
      chunkSize,
      launch: (given, index) => {
        length += chunkSize === 1 ? 1 : (given as Inputs & ChunkInputs).items.length
        return start.launch(given, { name, position: index * chunkSize, ordered, byStep, chunkSize })
      },
      whenOver: (pid, over) => this.#parts.handle(pid, '').whenOver(over),
      whileWaiting: (pids, wait) => this.#whileWaiting(pids, wait),
    })
    try {
      const pids = await members.run(inputs)
      await this.complete({ name, ordered, byStep, chunkSize, launcher }, length)
      // By name, so that the signal holds no pids.
      if (signal !== undefined) onAbort(signal, () => this.#kill(name, signal))
      signal?.throwIfAborted()
      const starts = pids.map((_, index) => index * chunkSize)
      const items = chunkSizes(starts, chunkSize, length)
      return new ClientGroup<R>(this.#parts, { pids, name, ordered, items })
    } catch (error) {
      if (signal?.aborted === true) this.#kill(name, signal)
      throw error
    }
  }

  /** @throws GroupNotFound */
  async open<R>(name: string): Promise<ClientGroup<R>> {
    const { store } = this.#parts
    const group = await store.group(name)
    if (group === undefined) {
      throw new GroupNotFound(
        `there is no group ${JSON.stringify(name)} in this store: was it launched under another name, or were all of its processes pruned?`,
      )
    }
    const members = await membersOf(store, group)
    const pids = members.map(({ pid }) => pid)
    const starts = members.map(({ position }) => position)
    const items = chunkSizes(starts, group.chunkSize, group.length ?? Number.POSITIVE_INFINITY)
    return new ClientGroup<R>(this.#parts, { pids, name, ordered: group.ordered, items })
  }

  /** All members of a group are stored. @throws KeyConflictError if the group has another number of them */
  async complete(
    {
      name,
      ordered,
      byStep,
      chunkSize,
      launcher,
    }: Omit<GroupPosition, 'position'> & { readonly launcher: Launcher },
    length: number,
  ): Promise<void> {
    const { parent, parentFence } = launcher
    const createdAt = this.#parts.clock.now()
    const group = { pid: name, name, ordered, byStep, chunkSize, createdAt, length, parent, parentFence }
    const write = { kind: 'complete', ...group } as const
    requireCreated(write, await this.#parts.commits.write(write))
  }

  /** A step that waits lends its slot meanwhile. */
  #whileWaiting<T>(pids: () => readonly string[], wait: () => Promise<T>): Promise<T> {
    const { localEngine } = this.#parts.registry
    if (localEngine === undefined) return wait()
    const on = pids()
    return localEngine.whileWaiting(() => waitFor({ on, any: true }, waitsForText(on)), wait)
  }

  /** Kills the unfinished processes of a group whose signal has aborted. */
  #kill(group: string, signal: AbortSignal): void {
    const { bulk, logger } = this.#parts
    const message = errorText(signal.reason)
    bulk.request({ group }, { kind: 'kill', message, force: false }).catch((error: unknown) => {
      logger.error({ err: error, group }, 'a group could not be killed when its signal aborted')
    })
  }
}

/** The members of a group, in the order of its inputs. */
async function membersOf(store: Control, { name }: GroupRow): Promise<readonly GroupMember[]> {
  const members: GroupMember[] = []
  for (let from = 0; ;) {
    const page = await store.members(name, from)
    members.push(...page)
    const last = page.at(-1)
    if (last === undefined || page.length < LARGEST_MEMBERS) return members
    from = last.position + 1
  }
}
