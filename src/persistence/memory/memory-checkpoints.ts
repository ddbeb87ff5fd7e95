import { Bundle } from '../../bundle/bundle.ts'
import { CheckpointNotFound } from '../../shared/errors.ts'
import { belongsToEngine, hasOwnCheckpoint, missingCheckpoint } from '../checkpoints.ts'
import type { Checkpoint } from '../persister.ts'
import type { MemoryTables } from './memory-tables.ts'

/** Saved bundles by pid and tag, as text, so that nothing is shared with whoever saved it. */
export class MemoryCheckpoints {
  readonly #tables: MemoryTables
  readonly #saved = new Map<string, Map<string | null, string>>()

  constructor(tables: MemoryTables) {
    this.#tables = tables
  }

  save(bundle: Bundle, tag: string | null): void {
    const { pid } = bundle.head
    if (tag === null && this.#tables.processes.has(pid)) throw belongsToEngine(pid)
    const tags = this.#saved.get(pid) ?? new Map<string | null, string>()
    tags.set(tag, bundle.text)
    this.#saved.set(pid, tags)
  }

  /** @throws CheckpointNotFound */
  load(pid: string, tag: string | null): Bundle {
    const saved = tag === null ? this.#tables.processes.get(pid) : undefined
    if (saved !== undefined) {
      if (hasOwnCheckpoint(saved.row)) return saved.stored().bundle()
      throw new CheckpointNotFound(missingCheckpoint(pid, tag, true))
    }
    const text = this.#saved.get(pid)?.get(tag)
    if (text === undefined) throw new CheckpointNotFound(missingCheckpoint(pid, tag, false))
    return Bundle.parse(text)
  }

  all(): Checkpoint[] {
    const pids = new Set([...this.#tables.processes.keys(), ...this.#saved.keys()])
    return [...pids].toSorted().flatMap((pid) => this.of(pid))
  }

  of(pid: string): Checkpoint[] {
    const saved = this.#tables.processes.get(pid)
    const tags = [...(this.#saved.get(pid)?.keys() ?? [])]
    if (saved !== undefined) {
      const named = tags.filter((tag) => tag !== null).toSorted()
      return (hasOwnCheckpoint(saved.row) ? [null, ...named] : named).map((tag) => ({ pid, tag }))
    }
    return tags
      .toSorted((a, b) => (a === null ? -1 : b === null ? 1 : a < b ? -1 : 1))
      .map((tag) => ({ pid, tag }))
  }

  delete(pid: string, tag: string | null): void {
    if (tag === null && this.#tables.processes.has(pid)) throw belongsToEngine(pid)
    this.#saved.get(pid)?.delete(tag)
  }

  deleteAll(pid: string): void {
    this.#saved.delete(pid)
  }
}
