import { Codec, type SavedType } from '../bundle/codec.ts'
import { alarm, systemClock, type Clock } from '../shared/clock.ts'
import { milliseconds, type Duration } from '../shared/duration.ts'
import { DeadlineExceeded, KeyConflictError, ProcessLost, UnknownProcessClass } from '../shared/errors.ts'
import type { AnyProcessClass, LaunchOptions, ProcessHandle, Settled } from './handle.ts'
import type {
  Committed,
  ControlRequest,
  Host,
  KeptSignal,
  RecordEntry,
  Transition,
  WaitConditions,
} from './host.ts'
import { LocalHandle } from './local-handle.ts'
import { outOfScope } from './scope.ts'
import { construct, hosted, type Process } from './process.ts'

const NOTHING: Committed = {}
const GO_ON = (): void => {}

interface KeyedChild {
  readonly processClass: AnyProcessClass
  readonly inputs: string
  readonly handle: LocalHandle
}

interface Child {
  readonly process: Process
  readonly handle: LocalHandle
  readonly abandoned: boolean
}

/** What belongs to one process while it lives. */
interface Family {
  readonly children: Map<string, Child>
  readonly keyed: Map<string, KeyedChild>
}

/** Runs processes in memory: nothing is kept, and children run beside their parent. */
export class MemoryHost implements Host {
  readonly durable = false
  readonly codec: Codec
  readonly clock: Clock
  readonly #families = new WeakMap<Process, Family>()
  /** How to stop what a process waits for. */
  readonly #waits = new WeakMap<Process, () => void>()

  constructor(types?: readonly SavedType[], clock: Clock = systemClock) {
    this.codec = new Codec(types)
    this.clock = clock
  }

  commit(process: Process, { wait, wake, killsChildren, ending }: Transition): Committed {
    if (wake?.by === 'signal' && wake.id !== undefined) hosted(process).dropMail(wake.id)
    this.#waits.get(process)?.()
    if (wait !== null) this.#wait(process, wait)
    if (killsChildren) this.#tell(process, { kind: 'kill', message: ending?.message ?? undefined })
    return NOTHING
  }

  async launch(
    parent: Process,
    processClass: AnyProcessClass | string,
    inputs: Readonly<Record<string, unknown>> | undefined,
    options: LaunchOptions = {},
  ): Promise<ProcessHandle> {
    if (typeof processClass === 'string') {
      throw new UnknownProcessClass(
        `there is no class ${processClass} to be found by name in memory: launch the class itself, or run the process by an engine`,
      )
    }
    const { key } = options
    if (key === undefined) return this.#start(parent, processClass, inputs, options)
    const { keyed } = this.#familyOf(parent)
    const text = this.codec.stringify(inputs ?? {}, 'inputs')
    const known = keyed.get(key)
    if (known === undefined) {
      const handle = this.#start(parent, processClass, inputs, options)
      keyed.set(key, { processClass, inputs: text, handle })
      return handle
    }
    if (known.processClass !== processClass || known.inputs !== text) {
      throw new KeyConflictError(
        `the key ${key} belongs to the process ${known.handle.pid} (${known.handle.name}), which has another class or other inputs`,
      )
    }
    return known.handle
  }

  /** A pause, a play and a kill reach the children too, as in a store (C7). */
  request(process: Process, request: ControlRequest): boolean {
    const hold = hosted(process)
    switch (request.kind) {
      case 'pause':
        hold.pause(request.message)
        this.#tell(process, request)
        break
      case 'play':
        hold.play()
        this.#tell(process, request)
        break
      case 'kill':
        hold.kill(request.message, { force: request.force })
        this.#tell(process, request)
        break
      case 'resume':
        hold.wake(request.value, { by: 'resume' })
        break
      case 'signal':
        this.#signal(process, request.name, request.value)
        break
      default:
        request satisfies never
    }
    return true
  }

  record(process: Process, { consumes }: RecordEntry): void {
    if (consumes !== undefined) hosted(process).dropMail(consumes)
  }

  mail(process: Process, signal: string): KeptSignal | undefined {
    return hosted(process).mail(signal)
  }

  suspend(): () => void {
    return GO_ON
  }

  evict(): void {}

  async outcomes(
    process: Process,
    pids: readonly string[],
  ): Promise<readonly (Settled<unknown> | undefined)[]> {
    return Promise.all(
      pids.map(async (pid): Promise<Settled<unknown> | undefined> => {
        const handle = this.#handle(process, pid)
        if (handle === undefined) return gone(pid)
        return handle.done ? handle.outcome() : undefined
      }),
    )
  }

  async checkpoint(): Promise<void> {}

  // ---------- waiting ----------

  #wait(process: Process, { signal, until, on, any }: WaitConditions): void {
    const hold = hosted(process)
    const stops: (() => void)[] = []
    this.#waits.set(process, () => {
      this.#waits.delete(process)
      for (const stop of stops) stop()
    })
    if (until !== null) stops.push(alarm(this.clock, until, () => hold.wake(undefined, { by: 'timer' })))
    const mail = signal === null ? undefined : hold.mail(signal)
    if (mail !== undefined && signal !== null) hold.wake(mail.value, { by: 'signal', signal, id: mail.id })
    if (on.length === 0) return
    const handles = on.map((pid) => this.#handle(process, pid))
    let left = handles.filter((handle) => handle !== undefined && !handle.done).length
    const check = (): void => {
      if (any ? left < on.length : left === 0) hold.wake(undefined, { by: 'handles' })
    }
    for (const handle of handles) {
      if (handle === undefined || handle.done) continue
      stops.push(
        handle.onDone(() => {
          left--
          check()
        }),
      )
    }
    check()
  }

  #signal(process: Process, name: string, value: unknown): void {
    const hold = hosted(process)
    const { id } = hold.post(name, value)
    if (hold.receives === name) hold.wake(value, { by: 'signal', signal: name, id })
  }

  #handle(process: Process, pid: string): LocalHandle | undefined {
    return this.#families.get(process)?.children.get(pid)?.handle ?? LocalHandle.find(pid)
  }

  // ---------- children ----------

  #tell(parent: Process, request: ControlRequest): void {
    for (const { process, abandoned } of this.#families.get(parent)?.children.values() ?? []) {
      if (!abandoned) this.request(process, request)
    }
  }

  #familyOf(process: Process): Family {
    let family = this.#families.get(process)
    if (family === undefined) {
      family = { children: new Map(), keyed: new Map() }
      this.#families.set(process, family)
    }
    return family
  }

  #start(
    parent: Process,
    processClass: AnyProcessClass,
    inputs: Readonly<Record<string, unknown>> | undefined,
    { pid, signal, retry, delay, deadline, abandon = false }: LaunchOptions,
  ): LocalHandle {
    const child = construct(processClass, inputs, { pid, logger: parent.logger, host: this, retry })
    const handle = new LocalHandle(child)
    this.#familyOf(parent).children.set(child.pid, { process: child, handle, abandoned: abandon })
    const kill = (): void => void child.kill(String(signal?.reason ?? 'aborted'))
    if (signal?.aborted === true) kill()
    else if (signal !== undefined) {
      signal.addEventListener('abort', kill, { once: true })
      child.addCleanup(() => signal.removeEventListener('abort', kill))
    }
    if (deadline !== undefined) this.#expireAt(child, timeOf(deadline, this.clock))
    if (parent.paused) hosted(child).pause(parent.status)
    // How it ended is told by the handle.
    const run = (): void => void child.stepUntilTerminated().catch(() => {})
    outOfScope(() => {
      if (delay === undefined) setImmediate(run)
      else this.clock.after(milliseconds(delay), run)
    })
    return handle
  }

  #expireAt(process: Process, time: number): void {
    const cancel = alarm(this.clock, time, () => hosted(process).expire(late(process.pid, time)))
    process.addCleanup(cancel)
  }
}

/** A deadline in wall-clock milliseconds. */
export function timeOf(deadline: Date | Duration, clock: Clock): number {
  return deadline instanceof Date ? deadline.getTime() : clock.now() + milliseconds(deadline)
}

/** The error of a process whose deadline has passed. */
export function late(pid: string, deadline: number): DeadlineExceeded {
  return new DeadlineExceeded(
    `process ${pid} had not ended at its deadline, ${new Date(deadline).toISOString()}`,
  )
}

function gone(pid: string): Settled<unknown> {
  const state = {
    label: 'excepted',
    terminal: true,
    successful: false,
    paused: false,
    at: new Date(0),
    reason: 'lost',
  } as const
  return { status: 'rejected', reason: new ProcessLost(pid, `there is no process ${pid} in memory`), state }
}

/** The host of processes that are not run out of a store. */
export const memoryHost: Host = new MemoryHost()
