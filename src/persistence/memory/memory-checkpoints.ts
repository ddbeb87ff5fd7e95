import { Bundle } from '../../bundle/bundle.ts'
import { CheckpointNotFound } from '../../shared/errors.ts'
import {
  belongsToEngine,
  checkNames,
  checkNewNames,
  hasOwnCheckpoint,
  missingCheckpoint,
} from '../rules/checkpoints.ts'
import type { Checkpoint } from '../contract/persister.ts'
import type { MemoryTables } from './memory-tables.ts'

/** Saved bundles by pid and tag. */
export class MemoryCheckpoints {
  readonly #tables: MemoryTables

  constructor(tables: MemoryTables) {
    this.#tables = tables
  }

  save(bundle: Bundle, tag: string | null): void {
    const { pid } = bundle.head
    checkNewNames(pid, tag)
    if (tag === null && this.#tables.processes.has(pid)) throw belongsToEngine(pid)
    this.#tables.putCheckpoint(pid, tag, bundle.text)
  }

  /** @throws CheckpointNotFound */
  load(pid: string, tag: string | null): Bundle {
    checkNames(pid, tag)
    const saved = tag === null ? this.#tables.processes.get(pid) : undefined
    if (saved !== undefined) {
      if (hasOwnCheckpoint(saved.row)) return saved.stored().bundle()
      throw new CheckpointNotFound(missingCheckpoint(pid, tag, true))
    }
    const text = this.#tables.checkpoints.get(pid)?.get(tag)
    if (text === undefined) throw new CheckpointNotFound(missingCheckpoint(pid, tag, false))
    return Bundle.parse(text)
  }

  all(): Checkpoint[] {
    const pids = new Set([...this.#tables.processes.keys(), ...this.#tables.checkpoints.keys()])
    return [...pids].toSorted().flatMap((pid) => this.of(pid))
  }

  of(pid: string): Checkpoint[] {
    const saved = this.#tables.processes.get(pid)
    const tags = [...(this.#tables.checkpoints.get(pid)?.keys() ?? [])]
    if (saved !== undefined) {
      const named = tags.filter((tag) => tag !== null).toSorted()
      return (hasOwnCheckpoint(saved.row) ? [null, ...named] : named).map((tag) => ({ pid, tag }))
    }
    return tags
      .toSorted((a, b) => (a === null ? -1 : b === null ? 1 : a < b ? -1 : 1))
      .map((tag) => ({ pid, tag }))
  }

  delete(pid: string, tag: string | null): void {
    checkNames(pid, tag)
    if (tag === null && this.#tables.processes.has(pid)) throw belongsToEngine(pid)
    this.#tables.checkpoints.get(pid)?.delete(tag)
  }

  deleteAll(pid: string): void {
    this.#tables.checkpoints.delete(pid)
  }
}
