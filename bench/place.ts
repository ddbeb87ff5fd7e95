import { statSync } from 'node:fs'
import { Client } from 'pg'
import { bareFile, type RowSizes } from './bare.ts'
import { bareDatabase } from './bare-database.ts'
import { withFile } from './measure.ts'
import type { Postgres } from './postgres.ts'

/** Where the bench makes its stores. */
export interface Place {
  readonly name: 'SQLite' | 'Postgres'
  /** Gives the work an empty store, by what `Engine.open` takes as `store`, and removes it afterwards. */
  withStore<T>(work: (store: string) => Promise<T> | T): Promise<T>
  /** Transitions per second of a loop that does nothing but write such rows, so many in a commit. */
  bareLoop(sizes: RowSizes, perCommit: number): Promise<number>
  /** Mebibytes that a store takes. */
  size(store: string): Promise<number>
  /** Seconds of processors that its server has used; undefined where there is none, or another machine runs it. */
  processor(): number | undefined
}

/** Files beside the bench. */
export const inFiles: Place = {
  name: 'SQLite',
  withStore: withFile,
  bareLoop: bareFile,
  size: (path) => Promise.resolve(statSync(path).size / 2 ** 20),
  processor: () => undefined,
}

/** Databases of a server. */
export function inPostgres(server: Postgres): Place {
  const withStore: Place['withStore'] = async (work) => {
    const url = await server.create()
    try {
      return await work(url)
    } finally {
      await server.drop(url)
    }
  }
  return {
    name: 'Postgres',
    withStore,
    bareLoop: (sizes, perCommit) => withStore((url) => bareDatabase(url, sizes, perCommit)),
    async size(url) {
      const client = new Client({ connectionString: url })
      await client.connect()
      try {
        const { rows } = await client.query<{ mib: number }>(
          'SELECT pg_database_size(current_database()) / 1048576.0::float8 AS mib',
        )
        return rows[0]?.mib ?? Number.NaN
      } finally {
        await client.end()
      }
    },
    processor: () => server.processor(),
  }
}
