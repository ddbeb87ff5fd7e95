import type { Control } from '../persistence/contract/control.ts'
import { canRun } from '../persistence/contract/engines.ts'
import type { ProcessRow } from '../persistence/contract/rows.ts'
import { UNFINISHED_STATES } from '../process/state/machine.ts'

/** Whether a process progresses by itself. A `stuck` process would, but no engine can load it. */
export type ProgressState = 'progressing' | 'quiescent' | 'stuck'

/**
 * Checks whether a process still progresses while the time stands still and no one sends it a
 * request. A process that waits for others progresses as long as one of them does.
 */
export class QuiescenceCheck {
  readonly #store: Control
  readonly #now: number

  constructor(store: Control, now: number) {
    this.#store = store
    this.#now = now
  }

  /** `seen` are the processes that wait for this one, since processes may wait for each other. */
  async of(row: ProcessRow, seen: ReadonlySet<string> = new Set()): Promise<ProgressState> {
    if (row.endedAt !== null || row.parked !== null) return 'quiescent'
    if (row.paused !== null && row.killRequested === null) return 'quiescent'
    if (row.owner === null) {
      if (this.#isDue(row.readyAt)) return (await this.#isRunnable(row)) ? 'progressing' : 'stuck'
    } else if (
      row.state !== 'waiting' ||
      !row.inStep ||
      row.killRequested !== null ||
      (await this.#isWaitOver(row))
    ) {
      return 'progressing'
    }
    return row.wait?.on == null ? 'quiescent' : this.#ofOthers(row, seen)
  }

  async #ofOthers(row: ProcessRow, seen: ReadonlySet<string>): Promise<ProgressState> {
    const waiting = new Set(seen).add(row.pid)
    for (const pid of await this.#others(row)) {
      if (waiting.has(pid)) continue
      const other = await this.#store.read(pid)
      if (other === undefined || other.endedAt !== null || (await this.of(other, waiting)) === 'progressing')
        return 'progressing'
    }
    return 'quiescent'
  }

  /**
   * The processes that it waits for. If only memory knows them, its unfinished children are taken.
   */
  async #others({ pid, owner }: ProcessRow): Promise<readonly string[]> {
    if (owner === null) return (await this.#store.pending(pid)).on
    const { rows } = await this.#store.list({ parent: pid, state: UNFINISHED_STATES, limit: 1_000 })
    return rows.map((child) => child.pid)
  }

  /** Whether a wait of a step is over, although the step has not continued yet. */
  async #isWaitOver(row: ProcessRow): Promise<boolean> {
    const { pid, wait } = row
    if (wait === null || this.#isDue(wait.until)) return true
    if (wait.on !== null && (await this.#others(row)).length === 0) return true
    const { mail } = await this.#store.pending(pid)
    return mail.some(({ by, name }) => (by === 'resume' ? wait.resume : name === wait.signal))
  }

  #isDue(time: number | null): boolean {
    return time !== null && time <= this.#now
  }

  async #isRunnable(row: ProcessRow): Promise<boolean> {
    const engines = await this.#store.engines()
    return engines.some((engine) => engine.alive && canRun(engine, row))
  }
}
