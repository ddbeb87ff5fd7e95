import { Client } from 'pg'
import { bareLoop, type RowSizes } from '../bare.ts'
import { seconds } from '../measure.ts'
import type { Postgres } from './postgres.ts'

/** About what Damson writes at a transition. */
const SIZES: RowSizes = { process: 600, history: 100 }
const COMMITS = 1000

/** Commits per second, each of a row of a process and an entry of a history, in one loop. */
export function bareCommits(store: 'sqlite' | 'postgres', postgres: Postgres | undefined): Promise<number> {
  if (store === 'sqlite') return bareLoop(SIZES, 1)
  if (postgres === undefined) throw new Error('there is no Postgres')
  return inPostgres(postgres)
}

async function inPostgres(postgres: Postgres): Promise<number> {
  const url = await postgres.create()
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`CREATE TABLE process (pid text PRIMARY KEY, body text NOT NULL);
      CREATE TABLE history (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, pid text NOT NULL, body text NOT NULL)`)
    const text = `WITH saved AS (INSERT INTO process (pid, body) VALUES ($1, $2)
        ON CONFLICT (pid) DO UPDATE SET body = excluded.body)
      INSERT INTO history (pid, body) VALUES ($1, $3)`
    const pids = Array.from({ length: COMMITS }, () => globalThis.crypto.randomUUID())
    const body = 'p'.repeat(SIZES.process - 36)
    const entry = 'h'.repeat(SIZES.history - 36)
    const took = await seconds(async () => {
      for (const pid of pids) await client.query({ name: 'save', text, values: [pid, body, entry] })
    })
    return COMMITS / took
  } finally {
    await client.end()
    await postgres.drop(url)
  }
}
