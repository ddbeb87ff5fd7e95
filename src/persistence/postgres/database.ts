import type * as Pg from 'pg'
import { errorText } from '../../shared/error-text.ts'
import { ClosedError, PersistenceError } from '../../shared/errors.ts'
import { elapsed, pause } from '../../shared/timers.ts'
import { decodeJson, decodeText, encodeJson, encodeText } from './text.ts'
import { MIGRATIONS } from './schema.ts'

type Driver = (typeof Pg)['default']

/** A statement with the time for its answer, which the driver's types leave out. */
type BoundedQuery = Pg.QueryConfig & { readonly query_timeout: number }

/** How long a statement is made again while the server can't be reached, in milliseconds. */
const PATIENCE = 10_000
const LONGEST_PAUSE = 500
/**
 * How long a statement waits for its answer, in milliseconds. A connection that fails without a word, as one that
 * a firewall forgets, would hold the statement until the system gives it up, which takes a quarter of an hour.
 */
const ANSWER_WITHIN = 20_000
/** The most connections of a store, not counting the one that listens. */
const CONNECTIONS = 4
/** The most functions of `this.transaction` that run at a time. */
const OWN_CONNECTIONS = 8

/** That of a server that takes no writes, as a replica. */
const READ_ONLY = '25006'
/** The codes of errors after which a statement is made again on a server that answers. */
const TRANSIENT = /^(25006|25P03|40001|40P01|53300)/
const BROKEN =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error/
const REPLICA: BoundedQuery = {
  text: 'SELECT pg_is_in_recovery() AS replica',
  query_timeout: ANSWER_WITHIN,
}
const IS_REPLICA =
  'the Postgres server is a replica, which takes no writes: give the address of the server that does, or promote this one'
const UNREACHABLE = 'the Postgres server cannot be reached'
/**
 * Whether a statement waits for a synchronous replica. It goes on waiting without us, and nothing may end it: it
 * would then count as committed though the replica does not have it.
 */
export const WAITS_FOR_REPLICA = `SELECT EXISTS (SELECT 1 FROM pg_stat_activity
  WHERE wait_event = 'SyncRep' AND query_start < clock_timestamp() - interval '1 second') AS waits`
/** What commits, or waits for the locks of what commits. */
const WRITES = /INSERT|UPDATE|DELETE|@(apply|dead)\(/
const INT8 = 20
const JSON_TYPE = 114
const TEXT = 25

/** The server waits for a synchronous replica, and answers no commit before that has it. */
class WaitsForReplica extends Error {
  constructor() {
    super(
      'the Postgres server waits for a synchronous replica, and answers no commit: see whether the replica runs, or take it out of synchronous_standby_names',
    )
  }
}

/** Who calls the functions of the schema. */
export interface Calls {
  /** Calls a function of the schema with JSON, which it answers with. */
  call<R>(doing: string, name: 'load' | 'apply', argument: unknown): Promise<R>
}

/** The statements and connections of one schema of a database. */
export class Database implements Calls {
  readonly schema: string
  /** The URL of the database. */
  readonly connection: string
  readonly #pg: Driver
  readonly #pool: Pg.Pool
  /** The connections of the user's functions, which must not hold up the others. */
  #ownPool: Pg.Pool | undefined
  readonly #ownClients = new Set<Pg.PoolClient>()
  readonly #config: Pg.ClientConfig
  readonly #texts = new Map<string, string>()
  /** Whether a statement got no answer, so that the server may wait for a replica. */
  #mayWait = false
  #closed = false

  /** @throws PersistenceError if the server can't be reached, or the schema is of a newer release */
  static async open(connection: string, schema: string, create: boolean): Promise<Database> {
    const pg = await driver()
    const database = new Database(pg, connection, schema)
    try {
      await database.#migrate(create)
      return database
    } catch (error) {
      await database.close()
      throw error
    }
  }

  private constructor(pg: Driver, connectionString: string, schema: string) {
    this.#pg = pg
    this.schema = schema
    this.connection = connectionString
    const { types } = pg
    const getTypeParser = (oid: number, format?: 'text' | 'binary'): ((value: string) => unknown) => {
      if (oid === INT8) return Number
      if (oid === JSON_TYPE) return decodeJson
      if (oid === TEXT) return decodeText
      return types.getTypeParser(oid, format)
    }
    this.#config = {
      connectionString,
      application_name: 'damson',
      keepAlive: true,
      connectionTimeoutMillis: PATIENCE,
      types: { getTypeParser: getTypeParser as typeof types.getTypeParser },
    }
    this.#pool = this.#newPool(CONNECTIONS)
  }

  #newPool(max: number): Pg.Pool {
    const pool = new this.#pg.Pool({
      ...this.#config,
      max,
      idleTimeoutMillis: 60_000,
      allowExitOnIdle: true,
      verify: (client, done) => void refuseReplica(client, done),
    })
    // A connection that breaks while it is idle is replaced at the next statement. The pool does not listen to one
    // that is handed out, and an error that comes with the answer to a statement would end the program.
    pool.on('error', () => {})
    pool.on('connect', (client) => client.on('error', () => {}))
    return pool
  }

  /**
   * A connection for a function of the user, for `releaseOwn`. @throws PersistenceError if there is none
   */
  async ownClient(): Promise<Pg.PoolClient> {
    this.#requireOpen()
    try {
      const client = await (this.#ownPool ??= this.#newPool(OWN_CONNECTIONS)).connect()
      this.#ownClients.add(client)
      return client
    } catch (error) {
      throw unreachable(error)
    }
  }

  releaseOwn(client: Pg.PoolClient, isBroken: boolean): void {
    if (this.#ownClients.delete(client)) client.release(isBroken)
  }

  /** A statement of the store, which fails if it gets no answer in time. The pool then ends its connection. */
  statement(text: string, values: readonly unknown[] = []): BoundedQuery {
    return { text: this.sql(text), values: [...values], query_timeout: ANSWER_WITHIN }
  }

  /** A statement of the user, whose values are read as `pg` reads them by default. */
  ownQuery(text: string, values: readonly unknown[]): Pg.QueryConfig {
    return { text, values: [...values], types: this.#pg.types }
  }

  /** A client of its own, which is not connected yet. */
  client(): Pg.Client {
    return new this.#pg.Client(this.#config)
  }

  /** The text of a statement: `@` stands for the schema. */
  sql(text: string): string {
    let own = this.#texts.get(text)
    if (own === undefined) {
      own = text.replaceAll('@', `${this.#pg.escapeIdentifier(this.schema)}.`)
      this.#texts.set(text, own)
    }
    return own
  }

  /** Runs one statement. It may run twice if the connection breaks, so it must allow that. */
  query<R>(doing: string, text: string, values: readonly unknown[] = []): Promise<R[]> {
    return this.#run(doing, text, values.map(encoded))
  }

  /** It may be called twice, too. */
  async call<R>(doing: string, name: 'load' | 'apply', argument: unknown): Promise<R> {
    const text = `SELECT @${name}($1) AS answer`
    const [row] = await this.#run<{ readonly answer: R }>(doing, text, [encodeJson(argument)])
    return (row as { readonly answer: R }).answer
  }

  async #run<R>(doing: string, text: string, given: readonly unknown[]): Promise<R[]> {
    let start = elapsed()
    let wasUnanswered = false
    for (let length = 1; ; length = Math.min(LONGEST_PAUSE, length * 2)) {
      this.#requireOpen()
      try {
        if (this.#mayWait && WRITES.test(text)) await this.requireCommits()
        return (await this.#pool.query(this.statement(text, given))).rows as R[]
      } catch (error) {
        this.failed(error)
        // Shows nothing about the other connections. The patience begins when one of them is tried.
        if (isUnanswered(error) && !wasUnanswered) {
          wasUnanswered = true
          start = elapsed()
        }
        if (!isTransient(error) || elapsed() - start > PATIENCE)
          throw new PersistenceError(`${doing} failed: ${explanation(error)}`, { cause: error })
      }
      await pause(length * (0.5 + Math.random()))
    }
  }

  /** Notes that a statement has failed. */
  failed(error: unknown): void {
    if (isUnanswered(error)) this.#mayWait = true
  }

  /**
   * Does nothing if the server answers commits. While it waits for a replica, each further statement that writes
   * would stay on the server too, with a connection of its own.
   *
   * @throws WaitsForReplica
   */
  async requireCommits(): Promise<void> {
    if (!this.#mayWait) return
    const { rows } = await this.#pool.query<{ readonly waits: boolean }>(this.statement(WAITS_FOR_REPLICA))
    if (rows[0]?.waits === true) throw new WaitsForReplica()
    this.#mayWait = false
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    // Functions that still run can't store anything any more.
    for (const client of this.#ownClients) this.releaseOwn(client, true)
    await Promise.all([this.#pool.end(), this.#ownPool?.end()])
  }

  #requireOpen(): void {
    if (this.#closed) throw new ClosedError('the store is closed: open another one')
  }

  async #migrate(create: boolean): Promise<void> {
    const client = await this.#connect()
    try {
      const schema = this.#pg.escapeIdentifier(this.schema)
      await client.query('BEGIN')
      await client.query('SELECT pg_advisory_xact_lock(hashtext($1))', [`damson ${this.schema}`])
      const known = await client.query('SELECT to_regclass($1) AS meta', [`${schema}.meta`])
      const isNew = (known.rows[0] as { readonly meta: string | null } | undefined)?.meta == null
      if (isNew && !create)
        throw new PersistenceError(
          `the database has no schema ${this.schema}: open an engine on it, which makes one`,
        )
      const version = isNew ? 0 : await this.#version(client)
      if (version > MIGRATIONS.length)
        throw new PersistenceError(
          `the schema ${this.schema} has version ${version}, and this release knows ${MIGRATIONS.length}: use the newer release of damson`,
        )
      if (version < MIGRATIONS.length) {
        await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`)
        for (const migration of MIGRATIONS.slice(version)) await client.query(this.sql(migration))
        await client.query(
          this.sql(`INSERT INTO @meta VALUES ('version', $1), ('id', gen_random_uuid()::text)
            ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE excluded.name = 'version'`),
          [String(MIGRATIONS.length)],
        )
      }
      await client.query('COMMIT')
    } catch (error) {
      client.release(true)
      if (error instanceof PersistenceError) throw error
      throw new PersistenceError(`opening the store failed: ${explanation(error)}`, { cause: error })
    }
    client.release()
  }

  async #version(client: Pg.PoolClient): Promise<number> {
    const { rows } = await client.query(this.sql("SELECT value FROM @meta WHERE name = 'version'"))
    return Number((rows[0] as { readonly value: string } | undefined)?.value ?? 0)
  }

  async #connect(): Promise<Pg.PoolClient> {
    try {
      return await this.#pool.connect()
    } catch (error) {
      throw unreachable(error)
    }
  }
}

/** A value as Postgres can store it. */
function encoded(value: unknown): unknown {
  if (typeof value === 'string') return encodeText(value)
  return Array.isArray(value) ? value.map(encoded) : value
}

/** A replica may be behind: gives an error for it, as a server has it that takes no writes. */
async function refuseReplica(client: Pg.PoolClient, done: (error?: Error) => void): Promise<void> {
  let refusal: Error | undefined
  try {
    const { rows } = await client.query<{ readonly replica: boolean }>(REPLICA)
    if (rows[0]?.replica === true) refusal = Object.assign(new Error(IS_REPLICA), { code: READ_ONLY })
  } catch (error) {
    refusal = error as Error
  }
  done(refusal)
}

function unreachable(error: unknown): PersistenceError {
  const said = explanation(error)
  const isExplained = said !== errorText(error) || said === IS_REPLICA
  return new PersistenceError(isExplained ? said : `${UNREACHABLE}: ${said}`, { cause: error })
}

/** What an error of the driver means, and what to do, where that is known. */
export function explanation(error: unknown): string {
  const said = errorText(error)
  if (isDiskFull(error))
    return `the disk of the Postgres server is full (${said}). Nothing of this was saved, what was saved before is safe; make room there`
  if (codeOf(error) === READ_ONLY && said !== IS_REPLICA)
    return `the Postgres server takes no writes (${said}): it is a replica, or was set to read only`
  if (isBroken(error)) return `${UNREACHABLE} (${said}): see whether it runs and the network works`
  return said
}

/** Whether the server has refused to write because a disk is full. */
export function isDiskFull(error: unknown): boolean {
  return codeOf(error) === '53100'
}

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return ''
  const { code } = error as { readonly code?: unknown }
  return typeof code === 'string' ? code : ''
}

/** Whether the server has not answered, or has ended the connection. */
function isBroken(error: unknown): boolean {
  const code = codeOf(error)
  if (code !== '') return /^(08|57P0|E(CONN|PIPE|HOST|NET|TIMEDOUT|AI_AGAIN))/.test(code)
  return isUnanswered(error) || BROKEN.test(errorText(error))
}

function isUnanswered(error: unknown): boolean {
  return error instanceof Error && error.message === 'Query read timeout'
}

/** Whether a statement that failed may be made again, or its whole transaction. */
export function isTransient(error: unknown): boolean {
  return error instanceof WaitsForReplica || isBroken(error) || TRANSIENT.test(codeOf(error))
}

/** Whether a commit met another one that has stored the same key, pid or group. */
export function isTaken(error: unknown): boolean {
  const cause = error instanceof PersistenceError ? error.cause : undefined
  return (cause as { readonly code?: unknown } | undefined)?.code === '23505'
}

/** Whether a value of a write can't be stored, or is too large, so that other writes may be sound. */
export function isOfOneWrite(error: unknown): boolean {
  // A text of all writes that is longer than a string may be.
  if (error instanceof RangeError) return true
  const cause = error instanceof PersistenceError ? error.cause : undefined
  return /^(22|54)/.test(String((cause as { readonly code?: unknown } | undefined)?.code))
}

async function driver(): Promise<Driver> {
  try {
    return (await import('pg')).default
  } catch (error) {
    throw new PersistenceError(
      'a store on Postgres needs the package pg, which is not installed: npm install pg',
      { cause: error },
    )
  }
}
