import type { AbortSignal } from '../../shared/abort-signal.ts'
import { onAbort } from '../../shared/abort.ts'
import { AlreadyDone, type ProcessError } from '../../shared/errors.ts'
import { checkOptions, isFlag, shown } from '../../shared/options.ts'
import { INSPECT } from '../../shared/inspect.ts'
import { wellFormed } from '../../shared/text.ts'
import { RESULT_LIMITS, waitLimit } from '../../shared/wait-limit.ts'
import type { DisplayOptions } from '../host/display-options.ts'
import type { FollowOptions } from '../host/follow-options.ts'
import type { HistoryOptions } from '../host/history-options.ts'
import type {
  EventRecord,
  LogChunk,
  Metadata,
  OutputRef,
  Outputs,
  ProcessHandle,
  ResultOptions,
  Settled,
  SizeOptions,
  StateInfo,
  Timing,
  TreeOptions,
  WaitOptions,
} from '../host/process-handle.ts'
import { DoneReference, isDropped, OutputReference } from '../references/output-reference.ts'
import { withinStep } from '../step/operation.ts'
import { dateOf, elapsed, serialTime, wallTime, type KnownTimes } from './times.ts'
import { setImmediate } from '../../shared/timers.ts'
import { display } from './display.ts'
import { readEntries, type Entries } from './follow.ts'
import type { Description } from './titles.ts'

/** @throws TypeError for anything but a name or an index */
function checkedKey(key: unknown): string | number {
  if (typeof key === 'string' || (typeof key === 'number' && Number.isSafeInteger(key) && key >= 0))
    return key
  throw new TypeError(`outputs.ref takes the name of an output or an index of the result, not ${shown(key)}`)
}

/** @throws TypeError for wrong options of a wait for a result */
function resultOptions(options: ResultOptions, where: string): ResultOptions {
  checkOptions(options, RESULT_LIMITS, where)
  return options
}

/** A request to a process, and perhaps to the tree below it. */
export type HandleRequest =
  | { readonly kind: 'pause'; readonly message: string | undefined }
  | { readonly kind: 'play' }
  | { readonly kind: 'abort'; readonly message: string }
  | { readonly kind: 'kill'; readonly message: string | undefined; readonly force: boolean }

/** The message of an abort without a reason. */
export const ABORTED = 'aborted before its first step'

/** The outcome of an abort; `done`: the process had already ended. */
export type AbortOutcome = 'aborted' | 'running' | 'done'

/**
 * The base of all handles, in memory and in a client: the public methods, their options and their
 * callbacks. The classes that extend it read the process and send it requests.
 */
export abstract class BaseHandle implements ProcessHandle {
  /** Type only. */
  declare readonly '~value': unknown
  #outputs: Outputs | undefined

  abstract readonly pid: string
  abstract readonly name: string
  abstract readonly call: string
  abstract readonly state: StateInfo
  abstract readonly done: boolean

  abstract refresh(options?: WaitOptions): Promise<StateInfo>
  abstract resume(value?: unknown): Promise<boolean>
  abstract signal(name: string, payload?: unknown): Promise<void>
  abstract retry(): Promise<boolean>
  abstract explain(): Promise<string>
  abstract metadata(): Promise<Metadata>
  abstract inputs(): Promise<unknown>
  abstract references(): Promise<readonly string[]>
  abstract size(options?: SizeOptions): Promise<number>
  abstract save(path?: string): Promise<string>
  abstract readonly collectable: boolean
  abstract retain(): void
  abstract release(): Promise<void>
  abstract purge(): Promise<void>
  /** @internal Releases the process with its group. */
  releaseOfGroup(): Promise<void> {
    return this.release()
  }
  /** @internal The stored bytes of the value under a key. Waits for the end. @throws MissingResult */
  abstract outputSize(key: string | number, options: SizeOptions): Promise<number>
  abstract history(options?: HistoryOptions): Promise<readonly EventRecord[]>
  abstract addEvent(name: string, data?: unknown): Promise<void>

  /** Made when they are first asked for, since many handles are held only for their result. */
  get outputs(): Outputs {
    this.#outputs ??= {
      all: (options?: ResultOptions) =>
        withinStep(this.readOutputs(resultOptions(options ?? {}, 'outputs.all'))) as Promise<never>,
      snapshot: () => this.readSnapshot() as Promise<never>,
      ref: (key) => new OutputReference(this, checkedKey(key)) as OutputRef as OutputRef<never>,
      done: new DoneReference(this),
    }
    return this.#outputs
  }

  /** @internal Ends the process if it has not started. */
  abstract tryAbort(reason: string | undefined): Promise<AbortOutcome>
  /** @internal The locally known times of the process. */
  abstract readonly times: KnownTimes
  /** The present time, by the clock of the handle. */
  protected abstract now(): number

  /** @internal Whether there is nothing more to read: the process has ended, or is lost. */
  abstract readonly over: boolean
  /** @internal Reads the state. Rejects if it can't be read, but not for a lost process. */
  abstract refreshState(): Promise<void>
  /** @internal The outcome, if it is known here; a value of its own for each reader. @throws NotReady if it is not */
  abstract takeOutcome(): Settled<unknown>

  /** Waits for the end of the process; null at the timeout. */
  protected abstract waitForEnd(options: WaitOptions): Promise<StateInfo | null>
  /**
   * Resolves to the outcome at the end. Each reader gets a value of its own. @throws WaitTimeout
   */
  protected abstract readOutcome(options: WaitOptions): Promise<Settled<unknown>>
  /** The outcome, if it is known here. @throws NotReady if it is not */
  protected abstract requireSettled(): Settled<unknown>
  protected abstract readOutputs(options: ResultOptions): Promise<unknown>
  protected abstract readSnapshot(): Promise<unknown>
  /**
   * @internal Calls back once: without an argument at the end or if the process is lost, at once if
   * that is known already; with an error if the client is closed before. Returns a function that
   * cancels this.
   */
  abstract whenOver(notify: (closed?: Error) => void): () => void
  protected abstract request(request: HandleRequest, tree: boolean): Promise<boolean>
  /** @internal The name of the process for display. @throws ProcessLost */
  abstract describe(): Promise<Description>
  /** Reads some of the log after this entry. */
  protected abstract readLog(after: number): Promise<readonly LogChunk[]>
  /** Reads some of the history after this event. */
  protected abstract readEvents(after: number): Promise<readonly EventRecord[]>
  /** See `Entries`. */
  protected abstract listen(news: (closed?: Error) => void): () => void
  /** A callback of the user threw, or rejected. */
  protected abstract callbackFailed(error: unknown): void

  async submitted(options: WaitOptions = {}): Promise<void> {
    waitLimit(options)
    if (!this.done) await this.refresh(options)
  }

  async isReady(options: WaitOptions = {}): Promise<boolean> {
    waitLimit(options)
    if (!this.done) await this.refresh(options)
    return this.done
  }

  wait(options: WaitOptions = {}): Promise<StateInfo | null> {
    return withinStep(this.waitForEnd(options))
  }

  result(options?: ResultOptions & { readonly raiseOnFailure?: true }): Promise<unknown>
  result(options: ResultOptions & { readonly raiseOnFailure: false }): Promise<unknown>
  result(options: ResultOptions = {}): Promise<unknown> {
    const result = this.#outcomeFor(options).then((outcome) => {
      if (outcome.status === 'fulfilled') return outcome.value
      if (options.raiseOnFailure === false) return outcome.reason
      throw outcome.reason
    })
    return withinStep(result)
  }

  async #outcomeFor(options: ResultOptions): Promise<Settled<unknown>> {
    return this.readOutcome(resultOptions(options, 'result'))
  }

  outcome(options: WaitOptions = {}): Promise<Settled<unknown>> {
    return withinStep(this.readOutcome(options))
  }

  successful(): boolean {
    const settled = this.requireSettled()
    return (settled.status === 'fulfilled' || isDropped(settled)) && settled.state.successful
  }

  exception(): ProcessError | null {
    const settled = this.requireSettled()
    return settled.status === 'fulfilled' || isDropped(settled) ? null : settled.reason
  }

  /** @internal Why there is no result: the error of the process, or that the result was dropped. */
  failure(): ProcessError | null {
    const settled = this.requireSettled()
    return settled.status === 'rejected' ? settled.reason : null
  }

  /** @internal Whether there is no such process. */
  get isLost(): boolean {
    return this.over && !this.done
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }

  onDone(callback: (handle: this) => void, { signal }: { readonly signal?: AbortSignal } = {}): () => void {
    if (signal?.aborted === true) return () => {}
    let isWanted = true
    let isDone!: () => void
    // Because of this promise, the callback runs in the asynchronous context of the caller of
    // `onDone`, not in the context in which the process ended.
    const over = new Promise<void>((resolve) => (isDone = resolve))
    const call = (): void => {
      stopListening?.()
      if (!isWanted) return
      // The callback may be asynchronous, whatever its type says.
      new Promise((resolve) => resolve(callback(this))).catch((error: unknown) => this.callbackFailed(error))
    }
    void over.then(() => setImmediate(call))
    const forget = this.whenOver((closed) => {
      if (closed === undefined) isDone()
    })
    const takeBack = (): void => {
      isWanted = false
      stopListening?.()
      forget()
    }
    const stopListening = signal && onAbort(signal, takeBack)
    return takeBack
  }

  logs(options: FollowOptions = {}): AsyncIterable<LogChunk> {
    return readEntries(
      this.#entries((after) => this.readLog(after)),
      options,
      'logs',
    )
  }

  events(options: FollowOptions = {}): AsyncIterable<EventRecord> {
    let latest = 0
    const read = async (after: number): Promise<readonly EventRecord[]> => {
      if (after === 0) latest = 0
      const events = await this.readEvents(after)
      // The clocks of two programs may differ, and a clock may be set back.
      return events.map((event) => {
        latest = Math.max(latest, event.at.getTime())
        return latest === event.at.getTime() ? event : { ...event, at: new Date(latest) }
      })
    }
    return readEntries(this.#entries(read), options, 'events')
  }

  #entries<T>(read: (after: number) => Promise<readonly T[]>): Entries<T> {
    return { read, isOver: () => this.over, listen: (news) => this.listen(news) }
  }

  async display(options: DisplayOptions = {}): Promise<void> {
    // Of several processes, one that is not in the store is displayed as such. This one is reported.
    await this.describe()
    await display([this], options)
  }

  async outputComplete(options: WaitOptions = {}): Promise<boolean> {
    return (await this.wait(options)) !== null
  }

  async pause(message?: string, options: TreeOptions = {}): Promise<boolean> {
    checkOptions(options, { tree: isFlag }, 'pause')
    return this.request({ kind: 'pause', message: wellFormed(message) }, options.tree ?? true)
  }

  async play(options: TreeOptions = {}): Promise<boolean> {
    checkOptions(options, { tree: isFlag }, 'play')
    return this.request({ kind: 'play' }, options.tree ?? true)
  }

  async kill(
    message?: string,
    options: TreeOptions & { readonly force?: boolean | undefined } = {},
  ): Promise<boolean> {
    checkOptions(options, { tree: isFlag, force: isFlag }, 'kill')
    const { tree = true, force = false } = options
    return this.request({ kind: 'kill', message: wellFormed(message), force }, tree)
  }

  async abort(reason?: string): Promise<boolean> {
    const outcome = await this.tryAbort(reason)
    if (outcome === 'done')
      throw new AlreadyDone(`process ${this.pid} has ended (${this.state.label}), so it cannot be aborted`)
    return outcome === 'aborted'
  }

  // ---------- times ----------

  get timing(): Timing {
    const { submitted, started, completed, received } = this.times
    return {
      submitted: dateOf(submitted),
      started: dateOf(started),
      completed: dateOf(completed),
      received: dateOf(received),
    }
  }

  elapsed(): number {
    return elapsed([this.times], this.now(), this.pid)
  }

  wallTime(): number {
    return wallTime([this.times], this.pid)
  }

  serialTime(): number {
    return serialTime([this.times], this.pid)
  }

  toJSON(): { readonly $process: string } {
    return { $process: this.pid }
  }

  /** `console.log(handle)` in Node: the class, the pid and the state, without I/O. */
  [INSPECT](): string {
    const { label, paused, reason } = this.state
    const named = this.name === '' ? this.pid : `${this.name} ${this.pid}`
    const why = reason === undefined ? '' : ` (${reason})`
    return `ProcessHandle { ${named}: ${label}${why}${paused ? ', paused' : ''} }`
  }
}
