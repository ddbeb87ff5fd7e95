import { Client } from 'pg'
import { onTestFinished } from 'vitest'
import { newDatabase } from './shared-server.ts'

/** A connection that ends with the test. */
export async function connected(url: string): Promise<Client> {
  const client = new Client({ connectionString: url })
  await client.connect()
  onTestFinished(() => client.end())
  return client
}

/** A database that counts the calls of functions, and how often connections that have ended have called each. */
export async function counted() {
  const url = await newDatabase()
  const client = await connected(url)
  await client.query(
    `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET track_functions = ''all''', current_database()); END $$`,
  )
  const calls = async (): Promise<Readonly<Record<string, number>>> => {
    const { rows } = await client.query<{ readonly name: string; readonly calls: number }>(
      'SELECT funcname AS name, calls::int FROM pg_stat_user_functions',
    )
    return { load: 0, ...Object.fromEntries(rows.map((row) => [row.name, row.calls])) }
  }
  return { url, calls }
}
