import type { Outcome } from '../persistence/contract/outcomes.ts'
import type { Create } from '../persistence/contract/writes.ts'
import { rowsOf, withLists } from '../process/group/columns.ts'
import type { StoringMember } from '../process/group/group-launch.ts'
import { LazyLaunch } from '../process/group/lazy-launch.ts'
import {
  checkGroupLaunch,
  type Columns,
  type GroupLaunchOptions,
  type ImapOptions,
  type InputsSource,
  type MapOptions,
  type ResultStream,
} from '../process/host/group-options.ts'
import type { AbortedPids, InteractiveOptions, ProcessGroup } from '../process/host/process-group.ts'
import type { LaunchOptions } from '../process/host/launch-options.ts'
import type { MemberResult, WaitOptions } from '../process/host/process-handle.ts'
import type { RefableInputs } from '../process/host/references.ts'
import { Process } from '../process/process.ts'
import { inChunks } from '../process/memory/chunk.ts'
import { referring } from '../process/references/reference.ts'
import type { AnyProcessClass } from '../process/host/process-object.ts'
import { checkOptions } from '../shared/options.ts'
import { checkText } from '../shared/text.ts'
import type { SelfTyped } from '../spec/typing.ts'
import { ClientController } from './client-controller.ts'
import type { ClientParts } from './client-parts.ts'
import { ClientGroup } from './group/client-group.ts'
import { GroupStarts, type GroupStart, type Inputs } from './group/group-starts.ts'
import { newGroupName } from '../shared/ids.ts'
import { readGroup } from './handle/reference-file.ts'
import type { ClientHandle } from './handle/client-handle.ts'
import { killOnAbort } from './handle/kill-on-abort.ts'
import { BY_A_CALLER, requireCreated, type Launcher } from './launch/create-write.ts'

/** A launch that is being stored. */
export interface StoredLaunch {
  readonly create: Create
  readonly stored: Promise<Outcome>
}

/** Stores the launch of a process. Throws or rejects for inputs that do not fit. */
export type StoreMember = (
  inputs: Inputs,
  options: LaunchOptions,
  launcher: Launcher,
) => StoringMember | Promise<StoringMember>

/** The methods of a client that launch many processes, and find them again. */
export abstract class GroupClient extends ClientController {
  /** The default `maxOutstanding` of `imap`. */
  protected launchesAhead = 100
  readonly #groups: GroupStarts

  protected constructor(parts: ClientParts) {
    super(parts)
    this.#groups = new GroupStarts(parts)
  }

  /**
   * Launches a process of one class for each of the inputs. Resolves to their group, once all of
   * them are durable. Inputs may come from any iterable, also an asynchronous one. They are read no
   * faster than the processes are stored. Without inputs the group is empty.
   *
   * The group is stored under its name. If the program is stopped in between, launch the group
   * again under the same name, with the same inputs in the same order: the missing processes are
   * launched, and none is launched twice.
   *
   * ```ts
   * const group = await client.launchAll(Square, [{ n: 1 }, { n: 2 }], { group: 'squares' })
   * await group.result() // [1, 4]
   * ```
   *
   * @throws GroupLaunchError for inputs that do not fit, can't be saved or can't be read, with
   *   their position. The processes launched before stay, and `openGroup` finds them.
   * @throws KeyConflictError if the name is that of a group of another class or with other inputs
   * @throws TypeError or RangeError for a wrong option
   */
  async launchAll<C extends AnyProcessClass | string>(
    processClass: C & SelfTyped<C>,
    inputs: InputsSource<RefableInputs<C>>,
    options: GroupLaunchOptions = {},
  ): Promise<ProcessGroup<MemberResult<C>>> {
    return this.#launchAll('launchAll', processClass, inputs as InputsSource<Inputs>, options)
  }

  /**
   * Launches a process for each value of the inputs that are marked with `each`. The others are the
   * same for all processes. Text is never a column.
   *
   * ```ts
   * const group = await client.map(Power, { base: each([1, 2, 3]), exponent: 2 })
   * ```
   *
   * A column may be a list that another process returns: `each(handle)`. `map` waits for that process,
   * and launches nothing before it has succeeded.
   *
   * @throws RangeError for columns of different lengths, before anything is launched, unless
   *   `lengths` is `'shortest'`
   * @throws as `launchAll`
   */
  async map<C extends AnyProcessClass | string>(
    processClass: C & SelfTyped<C>,
    inputs: Columns<C>,
    options: MapOptions = {},
  ): Promise<ProcessGroup<MemberResult<C>>> {
    const { lengths, ...rest } = options
    this.requireOpen()
    checkGroupLaunch('map', processClass, rest)
    const rows = rowsOf(await withLists(inputs, rest.signal), lengths)
    return this.#launchAll('map', processClass, rows, rest)
  }

  /**
   * Launches processes as their results are taken, so that the inputs may be endless. Returns the
   * results, in the order of the inputs unless `ordered` is false. Leaving the loop closes the
   * source of the inputs; launched processes continue. With `group`, the processes are stored as a
   * group.
   *
   * ```ts
   * for await (const square of client.imap(Square, numbers())) if (square > 1000) break
   * ```
   *
   * If a process fails, the loop ends with its error. If inputs do not fit or the source throws,
   * the loop ends with that error after the results of the processes launched before.
   *
   * @throws TypeError or RangeError for a wrong option
   */
  imap<C extends AnyProcessClass | string>(
    processClass: C & SelfTyped<C>,
    inputs: InputsSource<RefableInputs<C>>,
    options: ImapOptions = {},
  ): ResultStream<MemberResult<C>> {
    this.requireOpen()
    const { own, ofMembers } = checkGroupLaunch('imap', processClass, options)
    if (own.chunkSize !== undefined)
      throw new TypeError(
        'imap launches as results are taken, so it has no chunks: leave out chunkSize, or use launchAll',
      )
    const { signal, ...memberOptions } = ofMembers
    signal?.throwIfAborted()
    const { group: name, ordered = true, maxOutstanding = this.launchesAhead } = own
    const store = this.#members(processClass)
    const isRetained = memberOptions.retention === 'refs'
    const handles = new Map<number, ClientHandle>()
    return new LazyLaunch(inputs as InputsSource<Inputs>, {
      where: 'imap',
      name: name ?? '',
      ordered,
      maxOutstanding,
      signal,
      launch: (given, position) => {
        const group = name === undefined ? undefined : { name, position, ordered }
        const launch = (by: Launcher): Promise<string> => {
          const member = store(given, memberOptions, { ...by, group })
          return member instanceof Promise ? member.then((one) => one.stored) : member.stored
        }
        const launcher = this.launcher(memberOptions)
        const stored = launcher instanceof Promise ? launcher.then(launch) : launch(launcher)
        return stored.then((pid) => {
          const handle = this.parts.handle(pid, '')
          if (isRetained) handles.set(position, handle)
          killOnAbort(handle, signal, this.parts.logger)
          return (stop) => handle.result({ signal: stop }) as Promise<MemberResult<C>>
        })
      },
      ...(isRetained && {
        taken: async (position) => {
          await handles.get(position)?.release()
          handles.delete(position)
        },
      }),
      ...(name !== undefined && {
        complete: (length) => this.#groups.complete({ name, ordered, launcher: BY_A_CALLER }, length),
      }),
    })
  }

  /**
   * Opens a group: a stored group by the name under which any program launched it, or a group that
   * `group.save` wrote, by the path of the file. A group that is still being launched has the
   * members that are stored so far. For a file, the store is not read.
   *
   * @throws GroupNotFound if the store has no group of the name
   * @throws PersistenceError for a file that can't be read, that `save` did not write, or that
   *   belongs to another store or a newer release
   */
  async openGroup<R = unknown>(by: string | { readonly name: string }): Promise<ProcessGroup<R>> {
    this.requireOpen()
    if (typeof by === 'string') return new ClientGroup<R>(this.parts, await readGroup(by, this.store.id))
    checkOptions(by, { name: true }, 'openGroup')
    checkText('openGroup: the name', by.name)
    return this.#groups.open<R>(by.name)
  }

  // ---------- all that was launched here ----------

  /**
   * Waits until all processes that this client launched before the call have ended. Resolves to
   * false at the timeout. A failed process does not cause a rejection. Processes launched by steps
   * do not count.
   */
  async barrier(options: WaitOptions = {}): Promise<boolean> {
    const { pending } = await this.#launchedHere().wait(options)
    return pending.length === 0
  }

  /**
   * Ends the processes that this client launched and that have not started, as `group.abort` does.
   * `abortAll` also reaches processes of other programs.
   */
  async abort(reason?: string): Promise<AbortedPids> {
    return this.#launchedHere().abort(reason)
  }

  /**
   * Waits as `barrier` does, and meanwhile shows the progress of the processes, as
   * `group.waitInteractive` does.
   */
  async waitInteractive(options: InteractiveOptions = {}): Promise<boolean> {
    return this.#launchedHere().waitInteractive(options)
  }

  /** The group of the unfinished processes that this client launched, as far as is known here. */
  #launchedHere(): ClientGroup {
    this.requireOpen()
    const { pids } = this.parts.launched
    return new ClientGroup(this.parts, { pids, name: 'launched here', ordered: true })
  }

  // ---------- for the client and the engine ----------

  /** The launcher of a call. Its session is open if it must retain the launched process. */
  protected launcher({ retention }: LaunchOptions): Launcher | Promise<Launcher> {
    if (retention !== 'refs') return BY_A_CALLER
    const { session } = this.parts
    const launcher = { ...BY_A_CALLER, session: session.id }
    return session.isOpen ? launcher : session.open().then(() => launcher)
  }

  /** Validates the inputs, and has a process of a known class stored. */
  protected abstract storeLaunch(
    processClass: AnyProcessClass,
    inputs: Inputs | undefined,
    options: LaunchOptions,
    launcher: Launcher,
  ): StoredLaunch

  /** Launches a group whose members `launch` stores by the given function. */
  protected async startGroup<R = unknown>(
    processClass: AnyProcessClass | string,
    start: Omit<GroupStart, 'launch'>,
    launch: (store: StoreMember) => GroupStart['launch'],
  ): Promise<ProcessGroup<R>> {
    return this.#groups.start<R>({ ...start, launch: launch(this.#members(processClass)) })
  }

  async #launchAll<R>(
    where: string,
    processClass: AnyProcessClass | string,
    inputs: InputsSource<Inputs>,
    options: GroupLaunchOptions,
  ): Promise<ProcessGroup<R>> {
    this.requireOpen()
    const { own: settings, ofMembers } = checkGroupLaunch(where, processClass, options)
    const { signal, ...memberOptions } = ofMembers
    const name = settings.group ?? newGroupName()
    const read = <T>(work: () => Promise<T>): Promise<T> => work()
    const launched = inChunks(Process, { processClass, inputs }, settings.chunkSize)
    const found = this.launcher(memberOptions)
    const launcher = found instanceof Promise ? await found : found
    const start = { where, name, inputs: launched.inputs, settings, signal, launcher, read }
    return this.startGroup<R>(
      launched.processClass,
      start,
      (store) => (given, group) => store(given, memberOptions, { ...launcher, group }),
    )
  }

  /** Returns what stores processes of one class without making handles. */
  #members(processClass: AnyProcessClass | string): StoreMember {
    const known = this.parts.launches.classOf(processClass)
    if (known !== undefined) {
      return (inputs, options, launcher) => {
        const { create, stored } = this.storeLaunch(known, inputs, options, launcher)
        return { stored: stored.then((outcome) => this.storedPid(create, outcome)) }
      }
    }
    let creator: ReturnType<ClientParts['launches']['creatorByName']> | undefined
    return async (inputs, options, launcher) => {
      // A copy, since the caller may change its object before the schema is read.
      const { inputs: referred, refers } = referring(inputs)
      const given = { inputs: this.codec.copy(referred) as Inputs, refers }
      creator ??= this.parts.launches.creatorByName(processClass as string)
      const create = (await creator)(given, options, launcher)
      const stored = this.parts.commits.write(create)
      return { stored: stored.then((outcome) => this.storedPid(create, outcome)) }
    }
  }

  /** Returns the pid of the process that a `Create` stored or found. */
  protected storedPid(create: Create, outcome: Outcome): string {
    const { pid, existed } = requireCreated(create, outcome)
    // What a step launches belongs to its process.
    if (create.parent === null) this.parts.launched.add(pid)
    if (existed === false) this.parts.registry.renew(pid)
    if (create.retainedBy !== undefined) this.parts.session.launched(pid)
    return pid
  }
}
