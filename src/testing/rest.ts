import type { Control } from '../persistence/contract/control.ts'
import type { ProcessRow } from '../persistence/contract/rows.ts'
import { isTerminal } from '../process/state/machine.ts'
import { ProcessState } from '../process/state/process-state.ts'

const LIVING = Object.values(ProcessState).filter((state) => !isTerminal(state))

/** Whether a process moves by itself. One that is `stuck` would, but no engine can load it. */
export type Motion = 'runs' | 'rests' | 'stuck'

/**
 * Looks whether anything is to come of a process while the time stands still and nobody asks anything of it. One that waits for others
 * moves as long as one of these does.
 */
export class Rest {
  readonly #store: Control
  readonly #now: number

  constructor(store: Control, now: number) {
    this.#store = store
    this.#now = now
  }

  /** `seen` are those that wait for it: they may wait for each other. */
  async of(row: ProcessRow, seen: ReadonlySet<string> = new Set()): Promise<Motion> {
    if (row.endedAt !== null || row.parked !== null) return 'rests'
    if (row.paused !== null && row.killRequested === null) return 'rests'
    if (row.owner === null) {
      if (this.#isDue(row.readyAt)) return (await this.#isLoadable(row)) ? 'runs' : 'stuck'
    } else if (
      row.state !== 'waiting' ||
      !row.inStep ||
      row.killRequested !== null ||
      (await this.#hasCome(row))
    ) {
      return 'runs'
    }
    return row.wait?.on == null ? 'rests' : this.#ofOthers(row, seen)
  }

  async #ofOthers(row: ProcessRow, seen: ReadonlySet<string>): Promise<Motion> {
    const waiting = new Set(seen).add(row.pid)
    for (const pid of await this.#others(row)) {
      if (waiting.has(pid)) continue
      const other = await this.#store.read(pid)
      if (other === undefined || other.endedAt !== null || (await this.of(other, waiting)) === 'runs')
        return 'runs'
    }
    return 'rests'
  }

  /** Whom it waits for. A step that waits in memory is known there alone: it waits for what it launched, mostly. */
  async #others({ pid, owner }: ProcessRow): Promise<readonly string[]> {
    if (owner === null) return (await this.#store.pending(pid)).on
    const { rows } = await this.#store.list({ parent: pid, state: LIVING, limit: 1_000 })
    return rows.map((child) => child.pid)
  }

  /** Whether what a step waits for is there, and the step has yet to see it. */
  async #hasCome(row: ProcessRow): Promise<boolean> {
    const { pid, wait } = row
    if (wait === null || this.#isDue(wait.until)) return true
    if (wait.on !== null && (await this.#others(row)).length === 0) return true
    const { mail } = await this.#store.pending(pid)
    return mail.some(({ by, name }) => (by === 'resume' ? wait.resume : name === wait.signal))
  }

  #isDue(time: number | null): boolean {
    return time !== null && time <= this.#now
  }

  async #isLoadable({ className, version }: ProcessRow): Promise<boolean> {
    const engines = await this.#store.engines()
    return engines.some(
      ({ alive, classes }) =>
        alive && classes.some((known) => known.name === className && known.version >= version),
    )
  }
}
