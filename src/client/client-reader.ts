import { checkHistoryOptions, type HistoryOptions } from '../process/host/history-options.ts'
import { readHistory } from './read/history.ts'
import type { Codec } from '../bundle/codec.ts'
import type { ListFilter } from '../persistence/contract/control.ts'
import type { EngineRow } from '../persistence/contract/engines.ts'
import type { Checkpoint } from '../persistence/contract/persister.ts'
import type { Store } from '../persistence/contract/store.ts'
import type { EventRecord, WaitOptions } from '../process/host/process-handle.ts'
import type { ProcessState } from '../process/state/process-state.ts'
import type { Clock } from '../shared/clock.ts'
import { ProcessLost } from '../shared/errors.ts'
import { isCount } from '../shared/options.ts'
import { checkText } from '../shared/text.ts'
import type { ClientParts } from './client-parts.ts'
import { awaitEngines } from './read/await-engines.ts'
import { detailsOf, type ProcessDetails } from './read/details.ts'
import { eventRecord } from './read/event.ts'
import { explain } from './read/explain.ts'
import { pidsLike, shortPids } from './read/pids.ts'
import { livingEngines, statusOf, type EngineInfo, type StoreStatus } from './read/status.ts'
import { supersedingRow } from './read/successors.ts'
import { summary, type ProcessList, type ProcessSummary } from './read/summary.ts'

/** The methods of a client that only read the store. */
export abstract class ClientReader {
  readonly store: Store
  protected readonly parts: ClientParts
  protected readonly codec: Codec
  protected readonly clock: Clock

  protected constructor(parts: ClientParts) {
    this.store = parts.store
    this.parts = parts
    this.codec = parts.codec
    this.clock = parts.clock
  }

  /**
   * Returns one page of processes, newest first (default: 50). Processes with an overdue kill are ended first.
   */
  async list(filter: ListFilter = {}): Promise<ProcessList> {
    this.requireOpen()
    const page = await this.parts.rows.list(filter)
    const now = this.clock.now()
    return { processes: page.rows.map((row) => summary(row, now)), next: page.next }
  }

  /**
   * Returns one process as `list` does, or undefined if the store has no such process. An overdue kill is
   * carried out first.
   */
  async find(pid: string): Promise<ProcessSummary | undefined> {
    this.checkRead(pid)
    const row = await this.parts.rows.read(pid)
    return row && summary(row, this.clock.now())
  }

  /**
   * Returns the newest process that supersedes a failed one, by the definition of the filter
   * `superseded`; undefined if the process has not failed or is not superseded.
   */
  async supersededBy(pid: string): Promise<ProcessSummary | undefined> {
    this.checkRead(pid)
    const row = await this.parts.rows.read(pid)
    const superseding = row && (await supersedingRow(this.store, row))
    return superseding && summary(superseding, this.clock.now())
  }

  /**
   * Returns the pids that begin or end with this text, at most `limit` (10), in the order of the
   * pids. With this, a program can accept any unique beginning or ending in place of a pid.
   */
  async pidsLike(text: string, limit = 10): Promise<readonly string[]> {
    this.requireOpen()
    checkText('pidsLike: the text', text, { empty: true })
    isCount('pidsLike: the limit', limit)
    return pidsLike(this.store, text, limit)
  }

  /**
   * Returns a short form of each pid, for display: the shortest ending, of at least six characters,
   * that no other pid of the store begins or ends with. Pids that a caller chose stay whole. A
   * later launch may make an ending ambiguous.
   */
  async shortPids(pids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    this.requireOpen()
    for (const pid of pids) checkPid(pid)
    return shortPids(this.store, pids)
  }

  /**
   * Returns a survey of the store: how many processes of each class are ready, running, waiting and
   * so on, the engines, and what needs attention.
   */
  async status(): Promise<StoreStatus> {
    this.requireOpen()
    return statusOf(this.store, this.clock.now())
  }

  /**
   * Returns whether processes of a class can be launched by its name with their inputs checked: this
   * program has the class, or an engine has registered it.
   */
  async hasClass(name: string): Promise<boolean> {
    this.requireOpen()
    checkText('hasClass: the name', name)
    if (this.parts.classes.find(name) !== undefined) return true
    return (await this.store.classes()).some((one) => one.name === name)
  }

  /** Returns the engines that are alive, with their slots, the processes that they run, and their leases. */
  async engines(): Promise<readonly EngineInfo[]> {
    this.requireOpen()
    return livingEngines(this.store)
  }

  /**
   * Waits until this many engines of the store are alive. Resolves to false at the timeout. Reads
   * the engines ten times a second at first, and later once a second.
   *
   * @throws ClosedError if the client is closed during the wait
   */
  async waitForEngines(count: number, options: WaitOptions = {}): Promise<boolean> {
    isCount('waitForEngines: the number of engines', count)
    const read = async (): Promise<readonly EngineRow[]> => {
      this.requireOpen()
      return this.store.engines()
    }
    return awaitEngines(read, this.clock, count, options)
  }

  /** Returns how many processes match the filter in each state. */
  async count(filter: ListFilter = {}): Promise<Readonly<Record<ProcessState, number>>> {
    this.requireOpen()
    return this.store.count(filter)
  }

  /**
   * Returns everything that is stored about a process, such as its wait, its kept messages, inputs,
   * outputs and result. An overdue kill is carried out first.
   *
   * @throws ProcessLost
   */
  async inspect(pid: string): Promise<ProcessDetails> {
    this.checkRead(pid)
    await this.parts.rows.read(pid)
    const stored = await this.store.load(pid)
    if (stored === undefined) throw new ProcessLost(pid, `there is no process ${pid} in this store`)
    return detailsOf(stored, this.store, this.codec, this.clock.now())
  }

  /** Explains in plain words why a process does not continue. @throws ProcessLost */
  async explain(pid: string): Promise<string> {
    this.checkRead(pid)
    return explain(this.parts.rows, this.store, this.clock, pid)
  }

  /**
   * Returns the history of a process, oldest event first; empty if the store has no such process. A
   * long history is read a page at a time: `history(pid, { after: events.at(-1)?.n, limit: 500 })`.
   *
   * @throws TypeError or RangeError for wrong options
   */
  async history(pid: string, options: HistoryOptions = {}): Promise<readonly EventRecord[]> {
    this.checkRead(pid)
    checkHistoryOptions(options)
    return (await readHistory(this.store, pid, options)).map((row) => eventRecord(row, this.codec))
  }

  /** Returns the checkpoints that a process has kept. */
  async checkpoints(pid: string): Promise<readonly Checkpoint[]> {
    this.checkRead(pid)
    return this.store.getProcessCheckpoints(pid)
  }

  /** @throws ClosedError once the client is closed */
  protected abstract requireOpen(): void

  protected checkRead(pid: string): void {
    this.requireOpen()
    checkPid(pid)
  }
}

/** @throws TypeError for a value that can't be a pid */
export function checkPid(pid: unknown): asserts pid is string {
  checkText('the pid', pid)
}
