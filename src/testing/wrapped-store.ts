import type { Bundle } from '../bundle/bundle.ts'
import type { Checkpoint } from '../persistence/persister.ts'
import type {
  Change,
  ClaimedProcess,
  ClaimRequest,
  ClassRow,
  EngineIdentity,
  EngineRow,
  HistoryRow,
  ListFilter,
  Outcome,
  ProcessPage,
  ProcessRow,
  Recovered,
  Store,
  StoredProcess,
  Write,
} from '../persistence/store.ts'
import type { ProcessState } from '../process/state.ts'

/** A store that passes everything on to another one, through `call`, where a subclass puts its faults. */
export abstract class WrappedStore implements Store {
  readonly store: Store

  constructor(store: Store) {
    this.store = store
  }

  get id(): string {
    return this.store.id
  }

  /** Around each call but `commit`, `watch` and `close`. */
  protected call<T>(action: () => Promise<T>): Promise<T> {
    return action()
  }

  abstract commit(writes: readonly Write[]): Promise<readonly Outcome[]>

  read(pid: string): Promise<ProcessRow | undefined> {
    return this.call(() => this.store.read(pid))
  }
  load(pid: string): Promise<StoredProcess | undefined> {
    return this.call(() => this.store.load(pid))
  }
  list(filter?: ListFilter): Promise<ProcessPage> {
    return this.call(() => this.store.list(filter))
  }
  count(filter?: ListFilter): Promise<Readonly<Record<ProcessState, number>>> {
    return this.call(() => this.store.count(filter))
  }
  history(pid: string): Promise<readonly HistoryRow[]> {
    return this.call(() => this.store.history(pid))
  }
  classes(): Promise<readonly ClassRow[]> {
    return this.call(() => this.store.classes())
  }
  engines(): Promise<readonly EngineRow[]> {
    return this.call(() => this.store.engines())
  }
  watch(listener: (changes: readonly Change[]) => void): () => void {
    return this.store.watch(listener)
  }
  close(): Promise<void> {
    return this.store.close()
  }
  join(engine: EngineIdentity): Promise<void> {
    return this.call(() => this.store.join(engine))
  }
  leave(engineId: string): Promise<void> {
    return this.call(() => this.store.leave(engineId))
  }
  describe(classes: readonly ClassRow[]): Promise<void> {
    return this.call(() => this.store.describe(classes))
  }
  claim(request: ClaimRequest): Promise<readonly ClaimedProcess[]> {
    return this.call(() => this.store.claim(request))
  }
  recover(): Promise<Recovered> {
    return this.call(() => this.store.recover())
  }
  saveCheckpoint(bundle: Bundle, tag?: string): Promise<void> {
    return this.call(() => this.store.saveCheckpoint(bundle, tag))
  }
  loadCheckpoint(pid: string, tag?: string): Promise<Bundle> {
    return this.call(() => this.store.loadCheckpoint(pid, tag))
  }
  getCheckpoints(): Promise<readonly Checkpoint[]> {
    return this.call(() => this.store.getCheckpoints())
  }
  getProcessCheckpoints(pid: string): Promise<readonly Checkpoint[]> {
    return this.call(() => this.store.getProcessCheckpoints(pid))
  }
  deleteCheckpoint(pid: string, tag?: string): Promise<void> {
    return this.call(() => this.store.deleteCheckpoint(pid, tag))
  }
  deleteProcessCheckpoints(pid: string): Promise<void> {
    return this.call(() => this.store.deleteProcessCheckpoints(pid))
  }
}
