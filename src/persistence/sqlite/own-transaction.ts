import type { SqliteChanges, SqliteTransaction, SqliteValue } from '../../process/host/transaction.ts'
import { PersistenceError, SpecError } from '../../shared/errors.ts'
import { checkOwnStatement, transactionOver } from '../rules/own-statement.ts'
import type { Connection } from './connection.ts'
import { TABLE_NAMES } from './schema.ts'

const ROOTS = `SELECT rootpage AS root, tbl_name AS name FROM sqlite_schema WHERE rootpage > 0
  AND tbl_name IN (${TABLE_NAMES.map((name) => `'${name}'`).join(', ')})`
const SCHEMA_ROOT = 1

/**
 * The instructions that change a table or an index, with the operands for its first page and its
 * database.
 */
const WRITES: Readonly<Record<string, readonly [page: 'p1' | 'p2', database: 'p2' | 'p3']>> = {
  OpenWrite: ['p2', 'p3'],
  Clear: ['p1', 'p2'],
  Destroy: ['p1', 'p3'],
}
/** What a statement that changes the schema changes. */
const CHANGED = new RegExp(`\\b(?:table|on)\\s+["'\`[]?(${TABLE_NAMES.join('|')})\\b`, 'i')

interface Instruction {
  readonly opcode: string
  readonly p1: number
  readonly p2: number
  readonly p3: number
}

/** The transaction of the file, as the user's function sees it. */
export class OwnTransaction implements SqliteTransaction {
  readonly kind = 'sqlite'
  readonly #connection: Connection
  #isOver = false

  constructor(connection: Connection) {
    this.#connection = connection
  }

  run(sql: string, ...values: readonly SqliteValue[]): SqliteChanges {
    return this.#statement(sql, values).run(...values)
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows its rows
  get<R = unknown>(sql: string, ...values: readonly SqliteValue[]): R | undefined {
    return this.#statement(sql, values).get(...values) as R | undefined
  }

  all<R = unknown>(sql: string, ...values: readonly SqliteValue[]): R[] {
    return this.#statement(sql, values).all(...values) as R[]
  }

  /** Call it when the function has returned. @throws PersistenceError if SQLite has rolled back meanwhile */
  end(): void {
    this.#isOver = true
    if (!this.#connection.inTransaction)
      throw new PersistenceError(
        `${this.#connection.path}: SQLite has rolled the transaction back after an error of a statement`,
      )
  }

  /** Not cached: the texts are the user's, and there may be any number of them. */
  #statement(sql: string, values: readonly SqliteValue[]): ReturnType<Connection['prepare']> {
    if (this.#isOver) throw transactionOver()
    checkOwnStatement(sql)
    const statement = this.#connection.prepare(sql)
    if (!statement.readonly) this.#checkTables(sql, values)
    return statement
  }

  /** @throws SpecError for a statement that changes a table of the store */
  #checkTables(sql: string, values: readonly SqliteValue[]): void {
    const roots = new Map(
      this.#connection
        .sql<{ readonly root: number; readonly name: string }>(ROOTS)
        .all()
        .map(({ root, name }) => [root, name]),
    )
    for (const instruction of this.#connection.prepare(`EXPLAIN ${sql}`).all(...values) as Instruction[]) {
      const [page, database] = WRITES[instruction.opcode] ?? []
      if (page === undefined || database === undefined || instruction[database] !== 0) continue
      const root = instruction[page]
      const table = root === SCHEMA_ROOT ? CHANGED.exec(sql)?.[1] : roots.get(root)
      if (table === undefined) continue
      throw new SpecError(
        `a function of this.transaction can't change ${table}, which is a table of Damson: use tables of your own`,
      )
    }
  }
}
