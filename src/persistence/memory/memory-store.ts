import type { Bundle } from '../../bundle/bundle.ts'
import { systemClock, type Clock } from '../../shared/clock.ts'
import { ClosedError } from '../../shared/errors.ts'
import type { ProcessState } from '../../process/state.ts'
import { Broadcast } from '../broadcast.ts'
import { limitOf, newestFirst, noCounts, pageOf, positionOf, statesOf } from '../listing.ts'
import type { Checkpoint } from '../persister.ts'
import { isReady, processRow, type Row } from '../row.ts'
import { SUSPECT_AFTER } from '../rules.ts'
import type {
  Change,
  ClaimedProcess,
  ClaimRequest,
  ClassRow,
  EngineIdentity,
  EngineRow,
  HistoryRow,
  ListFilter,
  LoadableClass,
  Outcome,
  ProcessPage,
  ProcessRow,
  Recovered,
  Store,
  StoredProcess,
  Write,
} from '../store.ts'
import { MemoryCheckpoints } from './memory-checkpoints.ts'
import { MemoryTables, type Saved } from './memory-tables.ts'

export interface MemoryStoreOptions {
  readonly clock?: Clock | undefined
}

/** Processes in the memory of this program alone: for tests, and for work that need not outlive it. */
export class MemoryStore implements Store {
  readonly id = globalThis.crypto.randomUUID()
  readonly #clock: Clock
  readonly #broadcast = new Broadcast()
  readonly #tables: MemoryTables
  readonly #checkpoints: MemoryCheckpoints
  readonly #classes = new Map<string, ClassRow>()
  #closed = false

  constructor(options: MemoryStoreOptions = {}) {
    this.#clock = options.clock ?? systemClock
    this.#tables = new MemoryTables()
    this.#checkpoints = new MemoryCheckpoints(this.#tables)
  }

  async commit(writes: readonly Write[]): Promise<readonly Outcome[]> {
    this.#requireOpen()
    const changes: Change[] = []
    const now = this.#now()
    const fresh = new Set<string>()
    const outcomes = writes.map((write) => {
      const outcome = this.#tables.apply(write, now, fresh, changes)
      if (write.kind === 'prune' && outcome.status === 'done') this.#checkpoints.deleteAll(write.pid)
      return outcome
    })
    this.#broadcast.tell(changes)
    return outcomes
  }

  async read(pid: string): Promise<ProcessRow | undefined> {
    this.#requireOpen()
    const saved = this.#tables.processes.get(pid)
    return saved && processRow(saved.row)
  }

  async load(pid: string): Promise<StoredProcess | undefined> {
    this.#requireOpen()
    return this.#tables.processes.get(pid)?.stored()
  }

  async list(filter: ListFilter = {}): Promise<ProcessPage> {
    this.#requireOpen()
    const limit = limitOf(filter)
    const position = positionOf(filter)
    const rows = this.#matching(filter).toSorted(newestFirst)
    const rest =
      position === undefined
        ? rows
        : rows.filter(
            (row) =>
              row.created_at < position.createdAt ||
              (row.created_at === position.createdAt && row.pid < position.pid),
          )
    return pageOf(rest, limit)
  }

  async count(filter: ListFilter = {}): Promise<Readonly<Record<ProcessState, number>>> {
    this.#requireOpen()
    const counts = noCounts()
    for (const row of this.#matching(filter)) counts[row.state]++
    return counts
  }

  async history(pid: string): Promise<readonly HistoryRow[]> {
    this.#requireOpen()
    return [...(this.#tables.processes.get(pid)?.history ?? [])]
  }

  async classes(): Promise<readonly ClassRow[]> {
    this.#requireOpen()
    return [...this.#classes.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  async engines(): Promise<readonly EngineRow[]> {
    this.#requireOpen()
    return [...this.#tables.engines.values()].map((engine) => ({
      ...engine,
      expires: this.#now() + engine.lease,
      alive: true,
    }))
  }

  watch(listener: (changes: readonly Change[]) => void): () => void {
    this.#requireOpen()
    return this.#broadcast.add(listener)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#broadcast.clear()
  }

  async join(engine: EngineIdentity): Promise<void> {
    this.#requireOpen()
    // Who runs here dies with this store, so there is no lease to keep.
    this.#tables.engines.set(engine.id, { ...engine, startedAt: this.#now() })
  }

  async leave(engineId: string): Promise<void> {
    this.#requireOpen()
    const changes: Change[] = []
    this.#tables.giveBack(engineId, this.#now(), changes)
    this.#tables.engines.delete(engineId)
    this.#broadcast.tell(changes)
  }

  /** @internal What an engine that died leaves behind, for tests: its processes are still held by it. */
  forget(engineId: string): void {
    this.#tables.engines.delete(engineId)
  }

  async describe(classes: readonly ClassRow[]): Promise<void> {
    this.#requireOpen()
    for (const described of classes) {
      const known = this.#classes.get(described.name)
      if (known === undefined || known.version <= described.version)
        this.#classes.set(described.name, described)
    }
  }

  async claim(request: ClaimRequest): Promise<readonly ClaimedProcess[]> {
    this.#requireOpen()
    const now = this.#now()
    const can = new Map(request.classes.map(({ name, version }) => [name, version]))
    const ready: Saved[] = []
    for (const saved of this.#tables.ready()) {
      const { row } = saved
      const suspect = row.crashes >= SUSPECT_AFTER
      if (!isReady(row, now) || suspect !== request.suspects) continue
      if ((can.get(row.class) ?? Number.NEGATIVE_INFINITY) >= row.version) ready.push(saved)
      // They come in the order in which they became ready.
      if (ready.length === request.limit) break
    }
    const changes: Change[] = []
    const claimed = ready.map((saved) => this.#tables.claim(saved, request, now, changes))
    this.#broadcast.tell(changes)
    return claimed
  }

  async recover(classes?: readonly LoadableClass[]): Promise<Recovered> {
    this.#requireOpen()
    const changes: Change[] = []
    const recovered = this.#tables.recover(this.#now(), changes, classes)
    this.#broadcast.tell(changes)
    return recovered
  }

  async saveCheckpoint(bundle: Bundle, tag?: string): Promise<void> {
    this.#requireOpen()
    this.#checkpoints.save(bundle, tag ?? null)
  }

  async loadCheckpoint(pid: string, tag?: string): Promise<Bundle> {
    this.#requireOpen()
    return this.#checkpoints.load(pid, tag ?? null)
  }

  async getCheckpoints(): Promise<readonly Checkpoint[]> {
    this.#requireOpen()
    return this.#checkpoints.all()
  }

  async getProcessCheckpoints(pid: string): Promise<readonly Checkpoint[]> {
    this.#requireOpen()
    return this.#checkpoints.of(pid)
  }

  async deleteCheckpoint(pid: string, tag?: string): Promise<void> {
    this.#requireOpen()
    this.#checkpoints.delete(pid, tag ?? null)
  }

  async deleteProcessCheckpoints(pid: string): Promise<void> {
    this.#requireOpen()
    this.#checkpoints.deleteAll(pid)
  }

  #matching(filter: ListFilter): Row[] {
    const states = statesOf(filter)
    const text = filter.text?.toLowerCase()
    const rows: Row[] = []
    for (const { row } of this.#tables.processes.values()) {
      if (states !== undefined && !states.includes(row.state)) continue
      if (filter.className !== undefined && row.class !== filter.className) continue
      if (filter.parent !== undefined && row.parent !== filter.parent) continue
      if (filter.paused !== undefined && (row.paused === 1) !== filter.paused) continue
      if (filter.since !== undefined && row.created_at < filter.since) continue
      if (filter.until !== undefined && row.created_at >= filter.until) continue
      const texts = [row.pid, row.key, row.label, row.status, row.message]
      if (text !== undefined && !texts.some((own) => own?.toLowerCase().includes(text))) continue
      rows.push(row)
    }
    return rows
  }

  #now(): number {
    return Math.round(this.#clock.now())
  }

  #requireOpen(): void {
    if (this.#closed) throw new ClosedError('the store is closed: open another one')
  }
}
