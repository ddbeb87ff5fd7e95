import type * as Pg from 'pg'
import type { PostgresResult, PostgresTransaction } from '../../process/host/transaction.ts'
import { PersistenceError } from '../../shared/errors.ts'
import { encodeJson } from './text.ts'
import { checkOwnStatement, transactionOver } from '../rules/own-statement.ts'
import { explanation, isDiskFull, isTransient, type Calls, type Database } from './database.ts'
import { pause } from '../../shared/timers.ts'

const IN_FAILED_TRANSACTION = '25P02'
/** How long to wait before the function runs again that met a full disk, in milliseconds. */
const FULL_PAUSE = 500

/**
 * From here on the transaction locks the process, and runs nothing of the user. The server ends it if the program is
 * frozen or cut off before it commits, so that others need not wait for it.
 */
const SOON_OVER = "set_config('idle_in_transaction_session_timeout', '10000', true)"

/**
 * A transaction on a connection of its own. The user's function may work with it (`tx`) before the store adds a
 * step record and ends it. Without a function, the store uses it for a commit that keeps its locks.
 */
export class OwnTransaction implements Calls {
  readonly tx: PostgresTransaction
  readonly #database: Database
  readonly #client: Pg.PoolClient
  #isOver = false
  /** The error after which the function is to run again. */
  #error: unknown
  #isReleased = false

  /** @throws PersistenceError if no connection can be had */
  static async begin(database: Database): Promise<OwnTransaction> {
    await requireCommits(database)
    const client = await database.ownClient()
    try {
      await client.query(database.statement('BEGIN'))
      return new OwnTransaction(database, client)
    } catch (error) {
      database.releaseOwn(client, true)
      throw new PersistenceError(`beginning a transaction failed: ${explanation(error)}`, { cause: error })
    }
  }

  private constructor(database: Database, client: Pg.PoolClient) {
    this.#database = database
    this.#client = client
    // The next user of the connection gets the error.
    client.on('error', this.#broken)
    this.tx = { kind: 'postgres', query: (sql, values) => this.#query(sql, values) }
  }

  /** Whether a statement has failed because the connection broke, others were in the way, or the disk is full. */
  get isLost(): boolean {
    return this.#error !== undefined
  }

  /** The user's function has ended. */
  end(): void {
    this.#isOver = true
  }

  async call<R>(doing: string, name: 'load' | 'apply', argument: unknown): Promise<R> {
    const statement = this.#database.statement(`SELECT @${name}($1) AS answer, ${SOON_OVER}`, [
      encodeJson(argument),
    ])
    try {
      const { rows } = await this.#client.query<{ readonly answer: R }>(statement)
      return (rows[0] as { readonly answer: R }).answer
    } catch (error) {
      this.#failed(error)
      const isAborted = (error as { readonly code?: unknown }).code === IN_FAILED_TRANSACTION
      const said = isAborted
        ? 'a statement of the function of this.transaction has failed, and the function continued: let its error end the function'
        : explanation(error)
      throw new PersistenceError(`${doing} failed: ${said}`, { cause: error })
    }
  }

  async commit(): Promise<void> {
    try {
      await this.#client.query(this.#database.statement('COMMIT'))
      this.#release()
    } catch (error) {
      this.#failed(error)
      this.#release(true)
      throw new PersistenceError(`ending a transaction failed: ${explanation(error)}`, { cause: error })
    }
  }

  /** Does nothing if the transaction has ended. */
  async rollback(): Promise<void> {
    this.#isOver = true
    if (this.#isReleased) return
    try {
      await this.#client.query(this.#database.statement('ROLLBACK'))
      this.#release()
    } catch {
      this.#release(true)
    }
    if (isDiskFull(this.#error)) await pause(FULL_PAUSE)
  }

  async #query<R>(sql: string, values: readonly unknown[] = []): Promise<PostgresResult<R>> {
    if (this.#isOver) throw transactionOver()
    checkOwnStatement(sql)
    try {
      const { rows, rowCount } = await this.#client.query(this.#database.ownQuery(sql, values))
      return { rows: rows as R[], rowCount }
    } catch (error) {
      this.#failed(error)
      throw error
    }
  }

  readonly #broken = (error: unknown): void => {
    this.#error ??= error
  }

  #failed(error: unknown): void {
    this.#database.failed(error)
    if (isTransient(error) || isDiskFull(error)) this.#error ??= error
  }

  #release(isBroken = false): void {
    this.#isReleased = true
    this.#client.off('error', this.#broken)
    this.#database.releaseOwn(this.#client, isBroken)
  }
}

/** @throws PersistenceError while the server waits for a replica */
export async function requireCommits(database: Database): Promise<void> {
  try {
    await database.requireCommits()
  } catch (error) {
    throw new PersistenceError(`no transaction can be committed: ${explanation(error)}`, { cause: error })
  }
}
