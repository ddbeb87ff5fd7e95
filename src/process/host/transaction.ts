/**
 * The transaction of a store on SQLite, in which a step writes rows of its own. Statements run at once.
 * A statement may read any table of the file, and may write to those that are not Damson's.
 */
export interface SqliteTransaction {
  readonly kind: 'sqlite'
  /** Runs a statement that returns no rows. `changes` is the number of rows that it changed. */
  run(sql: string, ...values: readonly SqliteValue[]): SqliteChanges
  /** The first row that a statement returns; undefined if there is none. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows its rows
  get<R = unknown>(sql: string, ...values: readonly SqliteValue[]): R | undefined
  /** All rows that a statement returns. */
  all<R = unknown>(sql: string, ...values: readonly SqliteValue[]): R[]
}

/** What SQLite stores. */
export type SqliteValue = string | number | bigint | null | Uint8Array

/** What a statement on SQLite changed. */
export interface SqliteChanges {
  readonly changes: number
  readonly lastInsertRowid: number | bigint
}

/** The transaction of a store on Postgres, in which a step writes rows of its own. */
export interface PostgresTransaction {
  readonly kind: 'postgres'
  /** Runs a statement, as `query` of a client of `pg` does; `$1` stands for the first value. */
  query<R = unknown>(sql: string, values?: readonly unknown[]): Promise<PostgresResult<R>>
}

/** What a statement on Postgres returned. */
export interface PostgresResult<R> {
  readonly rows: R[]
  /** How many rows the statement returned or changed. */
  readonly rowCount: number | null
}

/** The argument of the function of `this.transaction`. `kind` is the kind of store. */
export type Transaction = SqliteTransaction | PostgresTransaction

/** The outcome of an action of the user: it returned a value, or failed. */
export type Came = { readonly value: unknown } | { readonly error: unknown }
