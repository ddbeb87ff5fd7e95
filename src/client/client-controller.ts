import { checkBulkFilter, statesOf, type BulkFilter } from '../persistence/rules/paging.ts'
import type { ProcessRow } from '../persistence/contract/rows.ts'
import { ABORTED } from '../process/handle/base-handle.ts'
import type { ProcessHandle } from '../process/host/process-handle.ts'
import type { ProcessGroup } from '../process/host/process-group.ts'
import { isHandle, type HandleLike } from '../process/state/awaits.ts'
import { isTerminal } from '../process/state/machine.ts'
import { PortValidationError } from '../shared/errors.ts'
import { checkOptions, isFlag } from '../shared/options.ts'
import { checkName, checkText, wellFormed } from '../shared/text.ts'
import { ClientReader } from './client-reader.ts'
import { ClientGroup } from './group/client-group.ts'
import { memberPids, pidOf } from './group/given-pids.ts'
import { newGroupName } from '../shared/ids.ts'
import { restartable, restartAll } from './launch/bulk-restart.ts'
import type { NewProcess, RestartOptions, ResubmitOptions } from './launch/restarter.ts'
import { summary, type ProcessSummary } from './read/summary.ts'
import { unfinished } from './write/bulk.ts'
import { reaches, type BulkRequest } from './write/reach.ts'
import type { EditChanges, EditedValue } from './write/edits.ts'

/** Options of `playAll`, `signalAll` and `preview`. */
export interface DeliberateOptions {
  /** Whether to also reach processes that someone has paused on purpose. Default true. */
  readonly deliberate?: boolean | undefined
}

/** The bulk request that `preview` previews. */
export type PreviewedRequest = BulkRequest | 'restart' | 'resubmit'

/** The methods of a client that control processes, one or many. */
export abstract class ClientController extends ClientReader {
  /**
   * Pauses all unfinished processes that match the filter. Resolves to their number, once all
   * pauses are stored.
   */
  async pauseAll(filter: BulkFilter = {}, message?: string): Promise<number> {
    checkBulkFilter(filter, 'pauseAll')
    this.requireOpen()
    return this.parts.bulk.request(filter, { kind: 'pause', message: wellFormed(message) })
  }

  /**
   * Plays the unfinished processes that match the filter and that are paused, about to be paused,
   * or parked. With `deliberate: false`, leaves out those that someone has paused on purpose, and
   * plays only processes that failures or crashes have paused, and parked ones. Resolves to the
   * number of played processes.
   */
  async playAll(filter: BulkFilter = {}, options: DeliberateOptions = {}): Promise<number> {
    checkBulkFilter(filter, 'playAll')
    checkOptions(options, { deliberate: isFlag }, 'playAll')
    this.requireOpen()
    return this.parts.bulk.play(filter, options.deliberate ?? true)
  }

  /** Kills all unfinished processes that match the filter. Resolves to their number. */
  async killAll(
    filter: BulkFilter = {},
    message?: string,
    options: { readonly force?: boolean } = {},
  ): Promise<number> {
    checkBulkFilter(filter, 'killAll')
    checkOptions(options, { force: isFlag }, 'killAll')
    this.requireOpen()
    return this.parts.bulk.request(filter, {
      kind: 'kill',
      message: wellFormed(message),
      force: options.force === true,
    })
  }

  /**
   * Ends the processes that match the filter and have not started, as `handle.abort` does. Resolves
   * to their number. Processes that have started continue.
   */
  async abortAll(filter: BulkFilter = {}, reason?: string): Promise<number> {
    checkBulkFilter(filter, 'abortAll')
    this.requireOpen()
    return this.parts.bulk.abort(filter, wellFormed(reason) ?? ABORTED)
  }

  /**
   * Retries the unfinished processes that match the filter and that back off, were paused by
   * failures or crashes, or are parked. Leaves out those that someone has paused. If the filter
   * names states of ended processes, restarts those too, as `restartAll` does. Resolves to the
   * number of processes that continue.
   */
  async retryAll(filter: BulkFilter = {}): Promise<number> {
    checkBulkFilter(filter, 'retryAll')
    this.requireOpen()
    const retried = await this.parts.bulk.retry(filter)
    const ended = (statesOf(filter) ?? []).filter((state) => isTerminal(state))
    return ended.length === 0 ? retried : retried + (await this.restartAll({ ...filter, state: ended }))
  }

  /**
   * Restarts the processes that match the filter and that ended without success: without `state`,
   * those that excepted or finished without success, but not killed ones. Leaves out superseded
   * processes, and the children of the processes that it restarts: a restarted process restarts the
   * children that it needs. Resolves to the number of restarted processes.
   *
   * @throws GroupError after trying all of them, if some could not be restarted
   */
  async restartAll(filter: BulkFilter = {}): Promise<number> {
    checkBulkFilter(filter, 'restartAll')
    this.requireOpen()
    const { store, bulk, restarter } = this.parts
    return restartAll(store, bulk, restarter, filter)
  }

  /**
   * Sends a signal to all unfinished processes that match the filter. With `deliberate: false`,
   * leaves out those that someone has paused on purpose. Resolves to the number of processes. Sends
   * nothing unless the class of each of them declares the signal and accepts the payload.
   *
   * @throws PortValidationError with the problems of each class
   */
  async signalAll(
    filter: BulkFilter,
    name: string,
    payload?: unknown,
    options: DeliberateOptions = {},
  ): Promise<number> {
    checkBulkFilter(filter, 'signalAll')
    checkOptions(options, { deliberate: isFlag }, 'signalAll')
    checkName('the name of a signal', name)
    this.requireOpen()
    const { codec, bulk, signals } = this.parts
    const value = codec.stringify(payload, `signals.${name}`)
    const { deliberate = true } = options
    const classes = new Set<string>()
    await bulk.eachPage(unfinished(filter), (rows) => {
      for (const row of rows) if (reaches('signal', row, deliberate)) classes.add(row.className)
    })
    const sent = codec.parse(value, `signals.${name}`)
    const problems = await Promise.all(
      [...classes].map(async (className) => {
        const found = await signals.check(className, undefined, name, sent)
        return found.map(({ port, message }) => ({ port, message: `${className}: ${message}` }))
      }),
    )
    if (problems.flat().length > 0) throw new PortValidationError(problems.flat())
    return bulk.signal(filter, name, value, deliberate)
  }

  /**
   * Lets a failed process continue. A process that backs off runs now. A process that was paused by
   * exhausted retries or crashes is played, with all its attempts. A process that ended without
   * success is restarted. Resolves to the handle of the process that continues; does nothing if
   * there is nothing to retry.
   *
   * @throws ProcessLost
   */
  async retry(pid: string): Promise<ProcessHandle> {
    this.checkRead(pid)
    const handle = this.parts.handle(pid, '')
    const retried = await handle.retried()
    return retried === undefined ? handle : this.parts.handle(retried, handle.name)
  }

  /**
   * Changes values in the context or in the arguments of the next step of an unfinished process
   * that is not running a step: it has not started, waits or is paused. Once the change is durable,
   * resolves to the changed values; values that are already equal are left out. The history records
   * each change. The new values must be values that the codec saves. Their types are not checked.
   * A process that no engine has constructed yet, because it was launched by name or resubmitted, has no
   * context: the values then replace those of its constructor and of `onCreate`.
   *
   * ```ts
   * await client.edit(pid, { 'ctx.limit': 20, 'ctx.jobs[3].host': 'b' })
   * ```
   *
   * @throws ProcessLost
   * @throws InvalidStateError for a process that has ended, that an engine runs now (pause it
   *   first), or whose next step has no arguments, and for an actor or a call
   * @throws SerializationError for a value that can't be saved, or a path that does not fit
   * @throws TypeError for text that is not a path
   */
  async edit(pid: string, changes: EditChanges): Promise<readonly EditedValue[]> {
    this.checkRead(pid)
    return this.parts.edits.edit(pid, changes)
  }

  /**
   * Creates a process that continues an ended one, with its context, members and outputs. The new process
   * also has the record of the failed step, so that no recorded effect is repeated. The old process does
   * not change. By default the new process continues from the last step; `from` names a checkpoint that
   * the old process kept with `this.checkpoint(tag)`. A process may be restarted several times; from
   * the second time on, the logger warns. `set` gives the new process other values, as
   * `edit` does.
   *
   * @throws ProcessLost
   * @throws InvalidStateError for a process that has not ended
   * @throws CheckpointNotFound if there is no such checkpoint
   * @throws SerializationError or TypeError for a wrong value or path in `set`
   */
  async restart(pid: string, options: RestartOptions = {}): Promise<ProcessHandle> {
    this.checkRead(pid)
    checkOptions(options, { from: true, set: true }, 'restart')
    if (options.from !== undefined) checkText('restart: the tag `from`', options.from)
    const { pid: restarted, className } = await this.parts.restarter.restart(pid, options)
    this.parts.launched.add(restarted)
    return this.parts.handle(restarted, className)
  }

  /**
   * Creates a process from the inputs of an ended one. Defaults and validators run again when an
   * engine starts it. `set` gives the new process other inputs. A process may be resubmitted several
   * times; for a failed one, the logger warns from the second time on.
   *
   * @throws ProcessLost
   * @throws InvalidStateError for a process that has not ended
   * @throws PortValidationError with `set`, for inputs that do not fit, if this program has the
   *   class or an engine has registered it
   * @throws SerializationError or TypeError for a wrong value or path in `set`
   */
  resubmit<R = unknown>(
    process: ProcessHandle<R> | string,
    options?: ResubmitOptions,
  ): Promise<ProcessHandle<R>>
  /**
   * As above, for several processes. Resolves to the group of the new ones, in the same order.
   * Checks all processes first, and creates none if one of them has not ended, is not in the store,
   * or does not accept the values of `set`.
   *
   * @throws ResubmitError if the store then refuses some of them, for example because an upstream
   *   process was pruned; it names those that were resubmitted
   */
  resubmit<R = unknown>(
    processes: Iterable<ProcessHandle<R> | string>,
    options?: ResubmitOptions,
  ): Promise<ProcessGroup<R>>
  async resubmit(
    given: HandleLike | string | Iterable<HandleLike | string>,
    options: ResubmitOptions = {},
  ): Promise<unknown> {
    this.requireOpen()
    checkOptions(options, { set: true }, 'resubmit')
    const isOne = typeof given === 'string' || isHandle(given)
    const pids = isOne ? [pidOf(given)] : memberPids(given)
    for (const pid of pids) this.checkRead(pid)
    const handles = this.#handlesOf(await this.parts.restarter.resubmit(pids, options))
    return isOne ? handles[0] : this.#groupOf(handles)
  }

  /**
   * Resubmits the processes that `restartAll` would restart with this filter, each from its inputs.
   * Checks all of them first, and creates none if one of them does not accept the values of `set`.
   * Resolves to the group of the new processes, in the order of the old ones, newest first. A second
   * call, also at the same time in another program, resubmits none of them again. Once a new process
   * has failed, the next call resubmits that one.
   *
   * @throws as `resubmit`
   */
  async resubmitAll(filter: BulkFilter = {}, options: ResubmitOptions = {}): Promise<ProcessGroup> {
    checkBulkFilter(filter, 'resubmitAll')
    checkOptions(options, { set: true }, 'resubmitAll')
    this.requireOpen()
    const { store, bulk, restarter } = this.parts
    const pids = (await restartable(store, bulk, filter)).map(({ pid }) => pid)
    return this.#groupOf(this.#handlesOf(await restarter.resubmit(pids, options, { once: true })))
  }

  #handlesOf(created: readonly NewProcess[]): readonly ProcessHandle[] {
    for (const { pid } of created) this.parts.launched.add(pid)
    return created.map(({ pid, className }) => this.parts.handle(pid, className))
  }

  #groupOf(handles: readonly ProcessHandle[]): ProcessGroup {
    const members = { pids: handles.map(({ pid }) => pid), name: newGroupName(), ordered: true }
    return new ClientGroup(this.parts, members)
  }

  /**
   * Returns the processes that a bulk request would reach now, newest first, and changes nothing:
   * `preview('kill', filter)` returns those that `killAll(filter)` would kill. `deliberate` applies
   * to `play` and `signal`.
   */
  async preview(
    request: PreviewedRequest,
    filter: BulkFilter = {},
    options: DeliberateOptions = {},
  ): Promise<readonly ProcessSummary[]> {
    checkBulkFilter(filter, 'preview')
    checkOptions(options, { deliberate: isFlag }, 'preview')
    this.requireOpen()
    const now = this.clock.now()
    return (await this.#reached(request, filter, options.deliberate ?? true)).map((row) => summary(row, now))
  }

  async #reached(
    request: PreviewedRequest,
    filter: BulkFilter,
    deliberate: boolean,
  ): Promise<readonly ProcessRow[]> {
    const { bulk, store } = this.parts
    if (request === 'restart' || request === 'resubmit') return restartable(store, bulk, filter)
    const found = await bulk.reached(request, filter, deliberate)
    const state = (statesOf(filter) ?? []).filter((one) => isTerminal(one))
    if (request !== 'retry' || state.length === 0) return found
    return [...found, ...(await restartable(store, bulk, { ...filter, state }))]
  }

  /**
   * Deletes the ended processes that match the filter, and frees their keys, pids and space. Resolves
   * to their number. `{ endedBefore: time }` matches those that ended before that time. `refresh()`
   * of a handle to a deleted process rejects with `ProcessLost`, and a new process under its pid has
   * another handle. Remaining children no longer have a parent.
   */
  async prune(filter: BulkFilter = {}): Promise<number> {
    checkBulkFilter(filter, 'prune')
    this.requireOpen()
    return this.parts.bulk.prune(filter)
  }
}
