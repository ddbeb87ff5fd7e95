import { DamsonError, PersistenceError } from '../../shared/errors.ts'
import { createdBefore, mayCreate } from '../creating.ts'
import { isKeptAfterSuccess, tooLarge } from '../parts.ts'
import { newRow, type Row } from '../row.ts'
import * as rules from '../rules.ts'
import type { Advance, Create, Outcome, Prune, Write } from '../store.ts'
import { advance } from './advancing.ts'
import type { Connection } from './connection.ts'
import { isOfOneWrite } from './driver-errors.ts'
import type { ProcessTable } from './process-table.ts'
import type { Recorder } from './recorder.ts'

/** A value that the database refused, in the middle of a transaction that has to be made again more carefully. */
export class RefusedInBatch extends DamsonError {}

/** Applies a batch of writes inside a transaction. */
export class Writer {
  readonly #connection: Connection
  readonly #processes: ProcessTable

  constructor(connection: Connection, processes: ProcessTable) {
    this.#connection = connection
    this.#processes = processes
  }

  /**
   * The outcomes of a batch. Writes are checked by the conditions of their statements, so they need no savepoints; only when a
   * statement throws over a value (`RefusedInBatch`) the batch is made again with one around each write (`careful`).
   */
  apply(writes: readonly Write[], recorder: Recorder, now: number, careful: boolean): Outcome[] {
    const fresh = new Set<string>()
    return writes.map((write) => {
      const problem = tooLarge(write)
      if (problem !== undefined) return { status: 'refused', error: problem }
      const mark = recorder.changes.length
      try {
        if (!careful) return this.#one(write, recorder, now, fresh)
        return this.#connection.savepoint(() => this.#one(write, recorder, now, fresh))
      } catch (error) {
        if (!isOfOneWrite(error)) throw error
        if (!careful) throw new RefusedInBatch('a write of the batch was refused', { cause: error })
        recorder.forget(mark)
        if (write.kind === 'create') fresh.delete(write.pid)
        return { status: 'refused', error: refusal(write, error) }
      }
    })
  }

  #one(write: Write, recorder: Recorder, now: number, fresh: Set<string>): Outcome {
    if (write.kind === 'advance') return advance(this.#connection, this.#processes, recorder, write, now)
    if (write.kind === 'create') return this.#create(write, recorder, now, fresh)
    const row = this.#processes.get(write.pid)
    if (row === undefined) return { status: 'missing' }
    if (write.kind === 'prune') {
      const outcome = rules.prune(row)
      if (outcome.status === 'done') this.#processes.delete(write.pid)
      return outcome
    }
    const ruling = this.#rule(row, write, now)
    if (ruling.row === undefined) return ruling.outcome
    if (write.kind === 'resume') this.#processes.addWake(write.pid, write.id, write.value)
    this.put(ruling.row, ruling.history, recorder, now)
    return ruling.outcome
  }

  /** Stores a row that a rule has changed. */
  put(row: Row, history: readonly rules.Entry[], recorder: Recorder, now: number): void {
    this.#processes.update(row)
    if (row.ended_at !== null) this.#processes.dropWakes(row.pid)
    recorder.addAll(row, now, history)
  }

  #rule(row: Row, write: Exclude<Write, Create | Advance | Prune>, now: number): rules.Ruling {
    const facts = this.#processes.facts(row.pid, now)
    switch (write.kind) {
      case 'request':
        return rules.request(row, write, facts)
      case 'resume':
        return rules.resume(row, write, this.#processes.hasWakeFrom(row.pid, write.id), facts)
      case 'release':
        return rules.release(row, write, facts)
      case 'park':
        return rules.park(row, write, facts)
      case 'enforce':
        break
    }
    return rules.enforce(row, write, facts)
  }

  #create(write: Create, recorder: Recorder, now: number, fresh: Set<string>): Outcome {
    if (write.parent !== null) {
      // What is there already is there, whatever became of its parent since.
      const existing = this.#existing(write, fresh)
      if (existing !== undefined) return existing
      const refused = mayCreate(write, this.#processes.brief(write.parent))
      if (refused !== undefined) return refused
    }
    const row = newRow(write, now)
    if (!this.#processes.insert(row)) {
      return (
        this.#existing(write, fresh) ?? {
          status: 'refused',
          error: new PersistenceError(`${write.pid} can not be created`),
        }
      )
    }
    for (const name in write.parts) {
      if (name === 'state' || (write.ending?.dropCheckpoint === true && !isKeptAfterSuccess(name))) continue
      this.#processes.putPart(write.pid, name, write.parts[name] as string)
    }
    fresh.add(write.pid)
    recorder.addAll(
      row,
      now,
      write.history.map((entry) => ({ ...entry, by: write.claim })),
    )
    return { status: 'done', pid: write.pid, existed: false }
  }

  #existing(write: Create, fresh: ReadonlySet<string>): Outcome | undefined {
    const found =
      this.#processes.get(write.pid) ?? (write.key === null ? undefined : this.#processes.byKey(write.key))
    if (found === undefined) return undefined
    return createdBefore(found, this.#processes.part(found.pid, 'inputs'), write, fresh.has(found.pid))
  }
}

function refusal(write: Write, error: unknown): PersistenceError {
  const said = error instanceof Error ? error.message : String(error)
  return new PersistenceError(
    `the ${write.kind} of process ${write.pid} was refused by the database: ${said}`,
    {
      cause: error,
    },
  )
}
