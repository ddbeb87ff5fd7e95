import type { Codec } from '../../bundle/codec.ts'
import { copyOf } from '../../ports/plain.ts'
import type { Clock } from '../../shared/clock.ts'
import { InvalidStateError, NotReady, ProcessError, ProcessLost, WaitTimeout } from '../../shared/errors.ts'
import { guardedLogger } from '../../shared/logger.ts'
import { checkOptions } from '../../shared/options.ts'
import { limited, waitLimit } from '../../shared/wait-limit.ts'
import { checkHistoryOptions, selectEvents, type HistoryOptions } from '../host/history-options.ts'
import type {
  EventRecord,
  LogChunk,
  Metadata,
  ResultOptions,
  Settled,
  SizeOptions,
  StateInfo,
  WaitOptions,
} from '../host/process-handle.ts'
import { SIZE_OPTIONS } from '../references/output-reference.ts'
import { outputValue } from '../references/output-value.ts'
import { droppedError, type Dropped } from '../state/dropped.ts'
import type { HistoryEvent } from '../state/history-event.ts'
import { isTerminal } from '../state/machine.ts'
import { eventText } from '../step/reports.ts'
import type { Host } from '../host/host.ts'
import { wellFormed } from '../../shared/text.ts'
import { ABORTED, BaseHandle, type AbortOutcome, type HandleRequest } from './base-handle.ts'
import type { KnownTimes } from './times.ts'
import { HOSTED, type ProcessObject } from '../host/process-object.ts'
import type { Description } from './titles.ts'
import { addedEvent, memoryLogOf, PROCESS_EVENTS, type MemoryEvent, type MemoryLog } from './memory-log.ts'
import { outputText } from './output-text.ts'
import { WeakHandles } from './weak-handles.ts'
import { whileWaiting } from './while-waiting.ts'
import { callRepr } from '../references/call-repr.ts'
import { currentRun } from '../step/current-process.ts'
import { isBackingOff, ProcessState } from '../state/process-state.ts'

const handles = new WeakHandles<MemoryHandle>()

/** A handle of a process that runs in this program's memory. */
export class MemoryHandle extends BaseHandle {
  readonly pid: string
  readonly name: string
  readonly #process: ProcessObject
  readonly #history: EventRecord[] = []
  readonly #over: Promise<void>
  readonly #clock: Clock
  readonly #codec: Codec
  readonly #log: MemoryLog
  readonly #news = new Set<() => void>()
  #at: Date
  /** Whether the process has ended, or was closed before its end. */
  #isOver = false
  /** Set once the result was purged. */
  #dropped: Dropped | undefined

  /** The handle of a process in memory, as long as something refers to it. */
  static find(pid: string): MemoryHandle | undefined {
    return handles.find(pid)
  }

  /** Timeouts of waits go by the clock of the host. */
  constructor(process: ProcessObject, { clock, codec }: Pick<Host, 'clock' | 'codec'>) {
    super()
    this.#process = process
    this.#clock = clock
    this.#codec = codec
    this.pid = process.pid
    this.name = process.getStatusInfo().className
    this.#at = process.creationTime
    this.#over = ended(process).then(() => {
      this.#isOver = true
    })
    handles.add(this)
    const { events } = process[HOSTED]
    const note = (name: MemoryEvent) => (): void => {
      this.#at = new Date(clock.now())
      this.#note({ name })
      this.#tell()
    }
    for (const name of PROCESS_EVENTS) events.on(`process:${name}`, note(name))
    this.#log = memoryLogOf(process[HOSTED])
    this.#log.listen((added) => {
      for (const event of added) this.#note(addedEvent(event, codec))
      this.#tell()
    })
  }

  #note(event: HistoryEvent): void {
    const n = this.#history.length + 1
    const side = event.name === 'event' && event.data.caller === true ? 'caller' : 'process'
    this.#history.push({ n, seq: n, pid: this.pid, side, at: new Date(this.#clock.now()), ...event })
  }

  #tell(): void {
    for (const news of this.#news) news()
  }

  get state(): StateInfo {
    const process = this.#process
    const { exitCode, status } = process
    const { progress } = this.#log
    return {
      label: process[HOSTED].suspended ? ProcessState.WAITING : process.state,
      terminal: isTerminal(process.state),
      successful: process.isSuccessful,
      paused: process.paused,
      at: this.#at,
      ...(status !== undefined && { message: status }),
      ...(exitCode !== undefined && { exitCode }),
      ...(progress !== undefined && { progress }),
      ...(process.isKilling && { reason: 'killing' as const }),
    }
  }

  get done(): boolean {
    return this.#process.hasTerminated()
  }

  get over(): boolean {
    return this.done || this.#isOver
  }

  async refreshState(): Promise<void> {}

  async refresh(options: WaitOptions = {}): Promise<StateInfo> {
    waitLimit(options)
    return this.state
  }

  protected async waitForEnd(options: WaitOptions): Promise<StateInfo | null> {
    const state = await this.#waitFor(options)
    if (state !== null && !this.done) throw this.#closedEarly()
    return state
  }

  async #waitFor(options: WaitOptions): Promise<StateInfo | null> {
    const timeout = waitLimit(options)
    if (this.done) return this.state
    const work = (): Promise<StateInfo | null> => this.#wait(timeout, options.signal)
    if (currentRun()?.process === this.#process) return work()
    return whileWaiting(() => `waits for ${this.name} ${this.pid}`, work)
  }

  async #wait(timeout: number, signal: AbortSignal | undefined): Promise<StateInfo | null> {
    const hasEnded = await new Promise<boolean>((resolve, reject) => {
      const stop = limited(this.#clock, timeout, signal, () => resolve(false), reject)
      void this.#over.then(() => {
        stop()
        resolve(true)
      })
    })
    return hasEnded ? this.state : null
  }

  protected async readOutcome(options: WaitOptions): Promise<Settled<unknown>> {
    const state = await this.#waitFor(options)
    if (state === null) {
      throw new WaitTimeout(
        `the process ${this.pid} had not ended when the wait timed out; it continues`,
        [this.pid],
        1,
      )
    }
    return this.#settled(state)
  }

  #settled(state: StateInfo): Settled<unknown> {
    try {
      if (state.label === 'finished') this.#requireKept()
      return { status: 'fulfilled', value: copyOf(this.#process.result()), state }
    } catch (error) {
      return { status: 'rejected', reason: this.#reason(error), state }
    }
  }

  protected requireSettled(): Settled<unknown> {
    if (!this.over) throw new NotReady(`the process ${this.pid} has not ended: it is ${this.#process.state}`)
    return this.#settled(this.state)
  }

  takeOutcome(): Settled<unknown> {
    return this.requireSettled()
  }

  protected async readOutputs({ raiseOnFailure = true, ...options }: ResultOptions): Promise<unknown> {
    const outcome = await this.readOutcome(options)
    if (outcome.status === 'rejected' && outcome.reason instanceof ProcessLost) throw outcome.reason
    this.#requireKept()
    return copyOf(this.#process[HOSTED].outputs(raiseOnFailure))
  }

  protected async readSnapshot(): Promise<unknown> {
    this.#requireKept()
    return copyOf(this.#process.outputs)
  }

  whenOver(notify: () => void): () => void {
    let isWanted = true
    void this.#over.then(() => {
      if (isWanted) notify()
    })
    return () => {
      isWanted = false
    }
  }

  protected callbackFailed(error: unknown): void {
    guardedLogger(this.#process[HOSTED].logger).error(
      { err: error, pid: this.pid },
      'a callback of onDone threw',
    )
  }

  protected async request(request: HandleRequest, tree: boolean): Promise<boolean> {
    const process = this.#process
    const hosted = process[HOSTED]
    if (!tree && this.done) return false
    switch (request.kind) {
      case 'pause':
        if (tree) return process.pause(request.message)
        hosted.pause(request.message)
        return true
      case 'play':
        if (tree) return process.play()
        hosted.play()
        return true
      case 'kill':
        if (tree) return process.kill(request.message, { force: request.force })
        hosted.kill(request.message, { force: request.force })
        return true
      case 'abort':
        return process.state === ProcessState.CREATED && process.kill(request.message)
      default:
        return request satisfies never
    }
  }

  resume(value?: unknown): Promise<boolean> {
    return this.#process.resume(value)
  }
  signal(name: string, payload?: unknown): Promise<void> {
    return this.#process.sendSignal(name, payload)
  }
  async tryAbort(reason?: string): Promise<AbortOutcome> {
    if (this.over) return 'done'
    const message = wellFormed(reason) ?? ABORTED
    return (await this.request({ kind: 'abort', message }, true)) ? 'aborted' : 'running'
  }
  /** A process that has ended in memory can't be restarted: nothing of it was saved. */
  async retry(): Promise<boolean> {
    const process = this.#process
    if (this.done) return false
    if (process.paused) return process.play()
    const backsOff = isBackingOff({ state: process.state, attempt: process.attempt, inStep: false })
    if (backsOff) process[HOSTED].wake(undefined, { by: 'timer' })
    return backsOff
  }

  async explain(): Promise<string> {
    const { label, paused, terminal } = this.state
    if (terminal) return `${this.name} ${this.pid} has ended: ${label}.`
    if (paused) return `${this.name} ${this.pid} is paused in memory, in state ${label}; play it.`
    return label === 'waiting'
      ? `${this.name} ${this.pid} waits in memory (${this.#process.status ?? 'for someone to resume it'}).`
      : `${this.name} ${this.pid} runs in memory (${label}).`
  }

  get times(): KnownTimes {
    const started = this.#history.find(({ name }) => name === 'running')
    const completed = this.done ? this.#at.getTime() : null
    return {
      submitted: this.#process.creationTime.getTime(),
      started: started?.at.getTime() ?? null,
      completed,
      received: completed,
    }
  }

  protected now(): number {
    return this.#clock.now()
  }

  async metadata(): Promise<Metadata> {
    const { pid, name, call, state, timing } = this
    const { attempt, outputs } = this.#process
    return {
      pid,
      name,
      call,
      label: null,
      worker: null,
      attempt,
      state,
      error: this.over ? this.exception() : null,
      ...outputText(this.#log.entries),
      published: copyOf(outputs),
      after: [],
      ...timing,
    }
  }

  get call(): string {
    return callRepr(this.name, [], this.#process.rawInputs)
  }

  async inputs(): Promise<unknown> {
    return copyOf(this.#process.inputs)
  }

  /** In memory, a launch first waits for the processes that it needs. */
  async references(): Promise<readonly string[]> {
    return []
  }

  /** Nothing is stored. */
  async size(options: SizeOptions = {}): Promise<number> {
    checkOptions(options, SIZE_OPTIONS, 'size')
    return 0
  }

  async outputSize(key: string | number, { timeout, signal }: SizeOptions): Promise<number> {
    const settled = await this.readOutcome({ timeout, signal })
    if (settled.status === 'rejected') throw settled.reason
    outputValue(this.pid, key, this.#process.outputs, settled.value)
    return 0
  }

  /** No one else can retain a result in memory, which lives as long as its handle. */
  get collectable(): boolean {
    return this.done
  }

  retain(): void {}
  async release(): Promise<void> {}

  async purge(): Promise<void> {
    if (!this.over) throw new NotReady(`process ${this.pid} has not ended; wait() for it first`)
    this.#dropped ??= { at: this.#clock.now(), why: 'purged' }
  }

  #requireKept(): void {
    if (this.#dropped !== undefined) throw droppedError(this.pid, this.name, this.#dropped)
  }

  async save(): Promise<string> {
    throw new InvalidStateError(`process ${this.pid} runs in memory, where no other program finds it`)
  }

  async history(options: HistoryOptions = {}): Promise<readonly EventRecord[]> {
    checkHistoryOptions(options)
    return selectEvents(this.#history, options)
  }

  async describe(): Promise<Description> {
    return { title: this.name, worker: undefined }
  }

  async addEvent(name: string, data?: unknown): Promise<void> {
    const text = eventText(name, data, this.#codec)
    const at = this.#clock.now()
    this.#log.add({ log: [], events: [{ name, at, data: text, caller: true }], progress: undefined }, at)
  }

  protected async readLog(after: number): Promise<readonly LogChunk[]> {
    const { pid } = this
    return this.#log.entries
      .slice(after)
      .map(({ at, ...entry }, index) => ({ pid, n: after + index + 1, ...entry, at: new Date(at) }))
  }

  protected async readEvents(after: number): Promise<readonly EventRecord[]> {
    return this.#history.slice(after)
  }

  protected listen(news: () => void): () => void {
    this.#news.add(news)
    void this.#over.then(news)
    return () => void this.#news.delete(news)
  }

  #reason(error: unknown): ProcessError {
    if (error instanceof ProcessError) return error
    return this.#closedEarly(error)
  }

  /** A process that was closed before its end is lost: it ran in memory only. */
  #closedEarly(cause?: unknown): ProcessLost {
    return new ProcessLost(this.pid, `the process ${this.pid} was closed before it ended`, { cause })
  }
}

async function ended(process: ProcessObject): Promise<void> {
  try {
    await process.future()
  } catch {
    // Callers ask the process how it ended.
  }
}
