import { Client } from 'pg'
import type { RowSizes } from './bare.ts'
import { seconds } from './measure.ts'

const PID_LENGTH = 36
const PROCESSES = 1000

const SAVE = `WITH given AS (SELECT * FROM unnest($1::text[]) AS given (pid)),
  saved AS (INSERT INTO process (pid, body) SELECT pid, $2 FROM given ON CONFLICT (pid) DO UPDATE SET body = excluded.body)
INSERT INTO history (pid, body) SELECT pid, $3 FROM given`

/** As `bareFile`, in an empty database of Postgres: one connection, one prepared statement for each commit. */
export async function bareDatabase(url: string, sizes: RowSizes, perCommit: number): Promise<number> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`CREATE TABLE process (pid text PRIMARY KEY, body text NOT NULL);
      CREATE TABLE history (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, pid text NOT NULL, body text NOT NULL)`)
    const pids = Array.from({ length: PROCESSES }, () => globalThis.crypto.randomUUID())
    const body = 'p'.repeat(Math.max(1, sizes.process - PID_LENGTH))
    const entry = 'h'.repeat(Math.max(1, sizes.history - PID_LENGTH))
    const transitions = perCommit === 1 ? 1000 : perCommit === 10 ? 5000 : 20_000
    const took = await seconds(async () => {
      for (let written = 0; written < transitions; written += perCommit) {
        const some = Array.from({ length: perCommit }, (_, index) => pids[(written + index) % PROCESSES])
        await client.query({ name: 'save', text: SAVE, values: [some, body, entry] })
      }
    })
    return transitions / took
  } finally {
    await client.end()
  }
}
