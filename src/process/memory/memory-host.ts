import { Codec, type SavedType } from '../../bundle/codec.ts'
import { copyOf } from '../../ports/plain.ts'
import { alarm, systemClock, type Clock } from '../../shared/clock.ts'
import { ProcessKilled, ProcessLost, UnknownProcessClass } from '../../shared/errors.ts'
import type { AnyProcessClass, Hosted } from '../host/process-object.ts'
import { lostOutcome } from '../host/lost-outcome.ts'
import { outcomeOf } from '../host/outcome-of.ts'
import type { LaunchOptions } from '../host/launch-options.ts'
import type { ProcessHandle, Settled } from '../host/process-handle.ts'
import type { KeptSignal, WaitConditions } from '../state/transition.ts'
import type {
  Committed,
  ControlRequest,
  GroupToLaunch,
  Host,
  MissingChild,
  RecordEntry,
  Transition,
} from '../host/host.ts'
import type { ProcessGroup } from '../host/process-group.ts'
import { GroupLaunch } from '../group/group-launch.ts'
import type { ChunkInputs } from '../host/chunks.ts'
import { MemoryGroup } from '../group/memory-group.ts'
import { MemoryHandle } from '../handle/memory-handle.ts'
import { whileWaiting } from '../handle/while-waiting.ts'
import { memoryLogOf } from '../handle/memory-log.ts'
import { newGroupName } from '../../shared/ids.ts'
import { waitsForText } from '../step/wait-conditions.ts'
import { savedDependency } from '../references/dependency.ts'
import { referring } from '../references/reference.ts'
import { gathered } from './memory-needs.ts'
import { expireAt, type MemoryChildren } from './memory-children.ts'
import { MemoryProcess } from './memory-process.ts'

const NOTHING: Committed = {}
const GO_ON = (): void => {}

/** Runs processes in memory: nothing is stored, and children run in the same program as their parent. */
export class MemoryHost implements Host {
  readonly durable = false
  readonly codec: Codec
  readonly clock: Clock
  readonly #processes = new WeakMap<Hosted, MemoryProcess>()

  constructor(types?: readonly SavedType[], clock: Clock = systemClock) {
    this.codec = new Codec(types)
    this.clock = clock
  }

  begin(process: Hosted, { wait, deadline }: Parameters<NonNullable<Host['begin']>>[1]): void {
    if (deadline !== null) expireAt(process, deadline, this.clock)
    if (wait !== null) this.#wait(process, wait)
  }

  commit(
    process: Hosted,
    { from, wait, wake, failed, paused, killsChildren, ending }: Transition,
  ): Committed {
    if (wake?.by === 'signal' && wake.id !== undefined) process.dropMail(wake.id)
    if (from === 'waiting') this.#processes.get(process)?.endWait()
    if (wait !== null) this.#wait(process, wait)
    if (failed !== null || paused !== null) this.#children(process)?.again()
    if (killsChildren) this.#requestChildren(process, { kind: 'kill', message: ending?.message ?? undefined })
    return NOTHING
  }

  launch(
    parent: Hosted,
    processClass: AnyProcessClass | string,
    inputs: Readonly<Record<string, unknown>> | undefined,
    options: LaunchOptions = {},
    branch = '',
  ): Promise<ProcessHandle> {
    return this.#launch(parent, processClass, inputs, options, branch)
  }

  async launchAll(
    parent: Hosted,
    processClass: AnyProcessClass | string,
    { where, inputs, settings, options }: GroupToLaunch,
    branch: string,
  ): Promise<ProcessGroup> {
    const { group, ordered = true, maxOutstanding = 0, chunkSize = 1 } = settings
    const name = group ?? newGroupName()
    const handles: MemoryHandle[] = []
    const byPid = new Map<string, MemoryHandle>()
    const items: number[] = []
    const launch = new GroupLaunch<Readonly<Record<string, unknown>>>({
      where,
      name,
      maxOutstanding,
      chunkSize,
      known: 0,
      signal: options.signal,
      launch: async (given, position) => {
        // As in a store, the member at a position of a group with a given name is found again.
        const key = group === undefined ? undefined : JSON.stringify([group, position])
        const handle = await this.#launch(parent, processClass, given, { ...options, key }, branch)
        handles[position] = handle
        if (chunkSize > 1) items[position] = (given as object as ChunkInputs).items.length
        byPid.set(handle.pid, handle)
        return { stored: Promise.resolve(handle.pid) }
      },
      whenOver: (pid, over) => byPid.get(pid)?.whenOver(over),
      whileWaiting: (pids, wait) => whileWaiting(() => waitsForText(pids()), wait),
    })
    await launch.run(inputs)
    return new MemoryGroup(handles, { name, ordered, items: chunkSize > 1 ? items : undefined }, this.clock)
  }

  async #launch(
    parent: Hosted,
    processClass: AnyProcessClass | string,
    inputs: Readonly<Record<string, unknown>> | undefined,
    options: LaunchOptions,
    branch: string,
  ): Promise<MemoryHandle> {
    if (typeof processClass === 'string') {
      throw new UnknownProcessClass(
        `there is no class ${processClass} to be found by name in memory: launch the class itself, or run the process by an engine`,
      )
    }
    const { inputs: given, refers } = referring(inputs)
    const { pid } = parent
    const after = savedDependency(options.after)
    const find = (needed: string): MemoryHandle | undefined => this.#handle(parent, needed)
    const values =
      refers || after !== undefined
        ? await gathered({ pid, inputs: given, after, clock: this.clock, find })
        : given
    // The child would outlive the kill, which has reached the other children already.
    if (parent.process.isKilling)
      throw new ProcessKilled(pid, `the process ${pid} is being killed: it launches nothing more`)
    return this.#of(parent).childrenForLaunch().launch(processClass, values, options, branch)
  }

  missing(process: Hosted): Promise<readonly MissingChild[]> | undefined {
    const missing = this.#children(process)?.missing()
    return missing === undefined ? undefined : Promise.resolve(missing)
  }

  /** A pause, play or kill reaches the children too, as in a store (C7). */
  request(process: Hosted, request: ControlRequest): boolean {
    switch (request.kind) {
      case 'pause':
        process.pause(request.message)
        this.#requestChildren(process, request)
        break
      case 'play':
        process.play()
        this.#requestChildren(process, request)
        break
      case 'kill':
        process.kill(request.message, { force: request.force })
        this.#requestChildren(process, request)
        break
      case 'resume':
        process.wake(copyOf(request.value), { by: 'resume' })
        break
      case 'signal':
        this.#signal(process, request.name, copyOf(request.value))
        break
      default:
        request satisfies never
    }
    return true
  }

  record(process: Hosted, { consumes }: RecordEntry): void {
    if (consumes !== undefined) process.dropMail(consumes)
  }

  reported(process: Hosted): void {
    const report = process.reports?.take()
    if (report !== undefined) memoryLogOf(process).add(report, this.clock.now())
  }

  mail(process: Hosted, signal: string): KeptSignal | undefined {
    return process.mail(signal)
  }

  suspend(): () => void {
    return GO_ON
  }

  evict(): void {}

  async outcomes(
    process: Hosted,
    pids: readonly string[],
    outputs: readonly boolean[] = [],
  ): Promise<readonly (Settled<unknown> | undefined)[]> {
    return Promise.all(
      pids.map(async (pid, index): Promise<Settled<unknown> | undefined> => {
        const handle = this.#handle(process, pid)
        if (handle === undefined) return gone(pid)
        return handle.done ? outcomeOf(handle, outputs[index] === true) : undefined
      }),
    )
  }

  async checkpoint(): Promise<void> {}

  #of(process: Hosted): MemoryProcess {
    let kept = this.#processes.get(process)
    if (kept === undefined) this.#processes.set(process, (kept = new MemoryProcess(process, this)))
    return kept
  }

  #children(process: Hosted): MemoryChildren | undefined {
    return this.#processes.get(process)?.children
  }

  // ---------- waiting ----------

  #wait(process: Hosted, { signal, until, on, any }: WaitConditions): void {
    const kept = this.#of(process)
    if (until !== null)
      kept.onWaitEnd(alarm(this.clock, until, () => process.wake(undefined, { by: 'timer' })))
    const mail = signal === null ? undefined : process.mail(signal)
    if (mail !== undefined && signal !== null) process.wake(mail.value, { by: 'signal', signal, id: mail.id })
    if (on.length === 0) return
    const handles = on.map((pid) => this.#handle(process, pid))
    let left = handles.filter((handle) => handle !== undefined && !handle.done).length
    const check = (): void => {
      if (any ? left < on.length : left === 0) process.wake(undefined, { by: 'handles' })
    }
    for (const handle of handles) {
      if (handle === undefined || handle.done) continue
      kept.onWaitEnd(
        handle.onDone(() => {
          left--
          check()
        }),
      )
    }
    check()
  }

  #signal(process: Hosted, name: string, value: unknown): void {
    const { id } = process.post(name, value)
    if (process.receives === name) process.wake(value, { by: 'signal', signal: name, id })
  }

  #handle(process: Hosted, pid: string): MemoryHandle | undefined {
    return this.#children(process)?.find(pid) ?? MemoryHandle.find(pid)
  }

  #requestChildren(parent: Hosted, request: ControlRequest): void {
    for (const child of this.#children(parent)?.reached() ?? []) this.request(child, request)
  }
}

function gone(pid: string): Settled<unknown> {
  return lostOutcome(new ProcessLost(pid, `there is no process ${pid} in memory`))
}

/** The host of processes that do not run out of a store. */
export const memoryHost: Host = new MemoryHost()
