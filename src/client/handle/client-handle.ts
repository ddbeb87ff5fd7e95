import type { BundleParts } from '../../bundle/bundle.ts'
import type { Codec } from '../../bundle/codec.ts'
import type { Outcome } from '../../persistence/contract/outcomes.ts'
import { checkHistoryOptions, type HistoryOptions } from '../../process/host/history-options.ts'
import type {
  EventRecord,
  LogChunk,
  Metadata,
  ResultOptions,
  SizeOptions,
  StateInfo,
  WaitOptions,
} from '../../process/host/process-handle.ts'
import type { AnyProcessClass } from '../../process/host/process-object.ts'
import { ABORTED, type AbortOutcome, type HandleRequest } from '../../process/handle/base-handle.ts'
import { outputText } from '../../process/handle/output-text.ts'
import type { KnownTimes } from '../../process/handle/times.ts'
import { callRepr } from '../../process/references/call-repr.ts'
import { savedReferences } from '../../process/references/saved-references.ts'
import { eventText } from '../../process/step/reports.ts'
import type { Description } from '../../process/handle/titles.ts'
import { resumeRefusal } from '../../process/step/wait-conditions.ts'
import { unsuccessfulError } from '../../process/state/unsuccessful.ts'
import { AlreadyDone, IncompatibleBundle, PortValidationError, ProcessLost } from '../../shared/errors.ts'
import { checkOptions } from '../../shared/options.ts'
import { checkName, wellFormed } from '../../shared/text.ts'
import { waitLimit, within } from '../../shared/wait-limit.ts'
import { SIZE_OPTIONS } from '../../process/references/output-reference.ts'
import { RetainedResult, type RetainParts } from './retained-result.ts'
import type { Restarter } from '../launch/restarter.ts'
import { savedUpstream } from '../launch/upstream.ts'
import type { SignalSchemas } from '../write/signal-schemas.ts'
import { eventRecord } from '../read/event.ts'
import { outputsOf } from '../read/saved-outputs.ts'
import { explain } from '../read/explain.ts'
import { readHistory, startOf } from '../read/history.ts'
import type { Requests } from '../write/requests.ts'
import { WatchedHandle, type WatchParts } from './watched-handle.ts'
import { saveReference } from './reference-file.ts'
import { requireKept } from '../../process/state/saved-state.ts'
import { endingParts, missingOf, sizeOf, sizeOfOutput } from './outcome.ts'
import { timedOut } from './handle-errors.ts'

/** The longest saved inputs that a handle keeps for `call`. */
const LONGEST_KEPT = 1_000

/** The parts of a client that its handles use. */
export interface HandleParts extends WatchParts, RetainParts {
  readonly requests: Requests
  readonly signals: SignalSchemas
  readonly restarter: Restarter
}

/** A handle of a process in a store. It controls the process, and reads what is stored of it. */
export class ClientHandle extends WatchedHandle {
  readonly #parts: HandleParts
  #class: AnyProcessClass | undefined
  /** Called at each change, by the loops that read the log or the history while the process runs. */
  #listeners: Set<() => void> | undefined
  /** When the first step began, in wall-clock milliseconds; null if none has, undefined if that was not read. */
  #started: number | null | undefined
  /** The saved inputs or, if they are long, their `argumentsText`. */
  #inputs: string | undefined
  #retainedResult: RetainedResult | undefined
  /** The check of the signal or resume that was sent last. */
  #lastCheck: Promise<void> | undefined

  constructor(parts: HandleParts, pid: string, name: string) {
    super(parts, pid, name)
    this.#parts = parts
  }

  /** @internal Signals are checked by this class. */
  setClass(processClass: AnyProcessClass): void {
    this.#class = processClass
  }

  // ---------- control ----------

  protected async request(request: HandleRequest, tree: boolean): Promise<boolean> {
    return this.#answer(await this.#parts.requests.request(this.pid, request, tree))
  }

  async tryAbort(reason?: string): Promise<AbortOutcome> {
    const request = { kind: 'abort', message: wellFormed(reason) ?? ABORTED } as const
    const outcome = await this.#parts.requests.request(this.pid, request, true)
    if (!(await this.#answer(outcome))) return 'done'
    return outcome.status === 'done' && outcome.applied === true ? 'aborted' : 'running'
  }

  async resume(value?: unknown): Promise<boolean> {
    const { codec, requests } = this.#parts
    const text = codec.stringify(value, 'value')
    await this.#inOrder(() => this.#checkResume(codec.parse(text)))
    return this.#answer(await requests.resume(this.pid, text))
  }

  /** A wait for a signal accepts as a resume only a value that the signal may have. */
  async #checkResume(value: unknown): Promise<void> {
    const row = await this.#parts.rows.read(this.pid)
    const signal = row?.wait?.resume === true ? row.wait.signal : null
    if (row === undefined || signal === null) return
    const problems = await this.#parts.signals.check(row.className, this.#class, signal, value)
    if (problems.length > 0) throw resumeRefusal(problems)
  }

  /** Checks run one after the other, so that messages are stored in the order of the calls. */
  async #inOrder(check: () => Promise<void>): Promise<void> {
    const checked = (this.#lastCheck ?? Promise.resolve()).then(check)
    this.#lastCheck = checked.catch(() => {})
    await checked
  }

  async signal(name: string, payload?: unknown): Promise<void> {
    checkName('the name of a signal', name)
    const { codec, requests } = this.#parts
    // Encoded before the first await: later changes by the caller are not sent.
    const value = codec.stringify(payload, `signals.${name}`)
    const sent = typeof payload === 'object' ? codec.parse(value) : payload
    await this.#inOrder(() => this.#checkSignal(name, sent))
    const outcome = await requests.signal(this.pid, name, value)
    if (await this.#answer(outcome)) return
    throw new AlreadyDone(
      `process ${this.pid} has ended (${this.state.label}), so it can no longer receive the signal ${name}`,
    )
  }

  async #checkSignal(name: string, payload: unknown): Promise<void> {
    if (this.name === '' && !this.over) await this.refreshState()
    if (this.lost !== undefined) throw this.lost
    const problems = await this.#parts.signals.check(this.name, this.#class, name, payload)
    if (problems.length > 0) throw new PortValidationError(problems)
  }

  async retry(): Promise<boolean> {
    return (await this.retried()) !== undefined
  }

  /** @internal Retries. Returns the pid of the process that continues: this one or a new one; undefined if there is nothing to retry. */
  async retried(): Promise<string | undefined> {
    const outcome = await this.#parts.requests.retry(this.pid)
    if (await this.#answer(outcome))
      return outcome.status === 'done' && outcome.applied === true ? this.pid : undefined
    return this.state.successful ? undefined : (await this.#parts.restarter.restart(this.pid)).pid
  }

  /** Whether a request was stored; false if the process has ended. */
  async #answer(outcome: Outcome): Promise<boolean> {
    if (outcome.status === 'refused') throw outcome.error
    if (outcome.status === 'missing') {
      throw new ProcessLost(this.pid, `there is no process ${this.pid} in this store; no request was stored`)
    }
    // The request is stored, even if the row can't be read now.
    await this.refreshState().catch((error: unknown) => this.reportUnread(error))
    return outcome.status === 'done'
  }

  // ---------- reading ----------

  async explain(): Promise<string> {
    const { rows, store, clock } = this.#parts
    return explain(rows, store, clock, this.pid)
  }

  async history(options: HistoryOptions = {}): Promise<readonly EventRecord[]> {
    checkHistoryOptions(options)
    const { store } = this.#parts
    const entries = await readHistory(store, this.pid, options)
    // Each process has at least the entry of its creation.
    if (entries.length === 0 && (await store.read(this.pid)) === undefined) throw this.notStored()
    return entries.map((entry) => eventRecord(entry, this.#parts.codec))
  }

  /** @internal */
  async describe(): Promise<Description> {
    const row = await this.#parts.rows.read(this.pid)
    if (row === undefined) throw this.notStored()
    return { title: row.label ?? row.className, worker: row.runner ?? undefined }
  }

  async addEvent(name: string, data?: unknown): Promise<void> {
    const { codec, clock, requests } = this.#parts
    const text = eventText(name, data, codec)
    const outcome = await requests.addEvent(this.pid, name, clock.now(), text)
    if (outcome.status === 'refused') throw outcome.error
    if (outcome.status === 'missing') throw this.notStored()
  }

  protected listen(news: (closed?: Error) => void): () => void {
    if (this.over) return () => {}
    const listeners = (this.#listeners ??= new Set())
    listeners.add(news)
    const forget = this.whenOver(news)
    return () => {
      listeners.delete(news)
      forget()
    }
  }

  protected changed(): void {
    for (const news of this.#listeners ?? []) news()
  }

  protected async readLog(after: number): Promise<readonly LogChunk[]> {
    const { store } = this.#parts
    const rows = await store.log(this.pid, after)
    if (rows.length === 0 && after === 0) await this.#requireStored()
    return rows.map((row) => ({ ...row, at: new Date(row.at) }))
  }

  protected async readEvents(after: number): Promise<readonly EventRecord[]> {
    const { store, codec } = this.#parts
    const rows = await store.history(this.pid, { after })
    if (rows.length === 0 && after === 0) throw this.notStored()
    return rows.map((row) => eventRecord(row, codec))
  }

  async #requireStored(): Promise<void> {
    if ((await this.#parts.rows.read(this.pid)) === undefined) throw this.notStored()
  }

  protected now(): number {
    return this.#parts.clock.now()
  }

  get times(): KnownTimes {
    return { ...this.timesOfRow, started: this.#started }
  }

  async metadata(): Promise<Metadata> {
    await this.refresh()
    const { rows, store, codec } = this.#parts
    const [stored, started, log] = await Promise.all([
      rows.load(this.pid),
      startOf(store, this.pid),
      this.#wholeLog(),
    ])
    if (stored === undefined) throw this.notStored()
    const { row } = stored
    const { parts } = stored.bundle()
    this.submittedAt(row.createdAt)
    this.launchedWith(parts)
    this.#started = started
    const { pid, name, call, state, timing } = this
    const { label, runner: worker, attempt } = row
    return {
      pid,
      name,
      call,
      label,
      worker,
      attempt,
      state,
      error: this.over ? this.exception() : null,
      ...outputText(log),
      published: outputsOf(parts, codec),
      after: [...new Set(savedUpstream(parts).after?.needs.map((need) => need.pid))],
      ...timing,
    }
  }

  async #wholeLog(): Promise<readonly LogChunk[]> {
    const log: LogChunk[] = []
    for (;;) {
      const page = await this.readLog(log.at(-1)?.n ?? 0)
      if (page.length === 0) return log
      log.push(...page)
    }
  }

  get call(): string {
    const inputs = this.#inputs
    if (inputs === undefined) return `${this.name}(...)`
    return this.name + (inputs.startsWith('{') ? argumentsText(inputs, this.#parts.codec) : inputs)
  }

  /** @internal The parts that the process was launched with. Long inputs are kept in their short form. */
  launchedWith({ inputs = '{}' }: BundleParts): void {
    this.#inputs ??= inputs.length > LONGEST_KEPT ? argumentsText(inputs, this.#parts.codec) : inputs
  }

  async inputs(): Promise<unknown> {
    const parts = await this.#load()
    this.launchedWith(parts)
    return this.#parts.codec.parse(parts['parsed'] ?? parts['inputs'] ?? '{}', 'inputs')
  }

  async references(): Promise<readonly string[]> {
    const parts = await this.#load()
    if (savedUpstream(parts).refers !== true) return []
    return [...new Set(savedReferences(parts['inputs'] ?? '{}').map(({ pid }) => pid))]
  }

  async size(options: SizeOptions = {}): Promise<number> {
    const { remoteOnly = false, ...limits } = options
    checkOptions(options, SIZE_OPTIONS, 'size')
    waitLimit(limits)
    if (remoteOnly && this.done) return 0
    const parts = await within(this.#parts.clock, this.#load(), limits, () => timedOut(this.pid))
    return sizeOf(endingParts(parts))
  }

  async outputSize(key: string | number, { remoteOnly = false, ...limits }: SizeOptions): Promise<number> {
    const isHere = this.done
    const settled = await this.readOutcome(limits)
    if (settled.status === 'rejected') throw settled.reason
    if (remoteOnly && isHere) return 0
    const { codec } = this.#parts
    const parts = await this.#load()
    requireKept(parts, this.pid, this.name)
    return sizeOfOutput(parts, key, { pid: this.pid, result: settled.value, codec })
  }

  // ---------- lifetime of the result ----------

  /** Made when it is first asked for, since most handles are held only for their result. */
  get #retained(): RetainedResult {
    return (this.#retainedResult ??= new RetainedResult(this.#parts, this.pid))
  }

  get collectable(): boolean {
    return this.done && this.#retained.collectable
  }

  override async refresh(options: WaitOptions = {}): Promise<StateInfo> {
    const state = await super.refresh(options)
    if (this.done || this.#retained.isRetained)
      await within(this.#parts.clock, this.#readRetained(), options, () => timedOut(this.pid))
    return state
  }

  async #readRetained(): Promise<void> {
    if (await this.#retained.read()) await this.forgetValue()
  }

  retain(): void {
    this.#retained.retain()
  }

  release(): Promise<void> {
    return this.#retained.release(false).then(() => this.#readRetained())
  }

  override releaseOfGroup(): Promise<void> {
    return this.#retained.release(true).then(() => this.#readRetained())
  }

  async purge(): Promise<void> {
    if (!(await this.#retained.purge())) throw this.notStored()
    await this.#readRetained()
  }

  async save(path?: string): Promise<string> {
    return saveReference({ version: 1, store: this.#parts.store.id, pid: this.pid }, path)
  }

  protected async readOutputs(options: ResultOptions): Promise<unknown> {
    const { raiseOnFailure = true } = options
    const settled = await this.readOutcome(options)
    if (raiseOnFailure && settled.status === 'rejected') throw settled.reason
    const parts = await this.#load()
    const { codec } = this.#parts
    requireKept(parts, this.pid, this.name)
    if (raiseOnFailure && !settled.state.successful) {
      const { exitCode, message } = settled.state
      throw unsuccessfulError(this.pid, this.name, { exitCode, message, missing: missingOf(parts, codec) })
    }
    return outputsOf(parts, codec)
  }

  protected async readSnapshot(): Promise<unknown> {
    const parts = await this.#load()
    requireKept(parts, this.pid, this.name)
    return outputsOf(parts, this.#parts.codec)
  }

  async #load(): Promise<BundleParts> {
    const stored = await this.#parts.rows.load(this.pid)
    if (stored === undefined) {
      throw new ProcessLost(this.pid, `there is no process ${this.pid} in this store, or no longer`)
    }
    return stored.bundle().parts
  }
}

/** Saved inputs as the arguments of a call: `(a=1, b=2)`. */
function argumentsText(inputs: string, codec: Codec): string {
  try {
    return callRepr('', [], codec.parse(inputs, 'inputs') as Readonly<Record<string, unknown>>)
  } catch (error) {
    if (error instanceof IncompatibleBundle) return '(...)'
    throw error
  }
}
