import Database from 'better-sqlite3'
import { Client, types, type QueryConfig } from 'pg'

/*
 * Reads the tables of the store by itself. Nothing of the engine's code is used here, so no fault of it can hide itself.
 */

/** How long a statement waits for its answer, in milliseconds. */
const PATIENCE = 5_000
const INT8 = 20

export function isServer(store: string): boolean {
  return store.startsWith('postgres:')
}

/** The rows of a query over the tables of a store. @throws if the store can't be read now */
export function rowsOf<R>(store: string, query: string): Promise<readonly R[]> {
  return isServer(store) ? ofServer<R>(store, query) : ofFile<R>(store, query)
}

/** The same. None if the store can't be read now, as it is locked or not there yet. */
export async function rowsIfAny<R>(store: string, query: string): Promise<readonly R[]> {
  try {
    return await rowsOf<R>(store, query)
  } catch {
    return []
  }
}

async function ofFile<R>(path: string, query: string): Promise<readonly R[]> {
  const db = new Database(path, { readonly: true, timeout: 0 })
  try {
    return db.prepare<[], R>(query).all()
  } finally {
    db.close()
  }
}

const clients = new Map<string, Promise<Client>>()

async function ofServer<R>(url: string, query: string): Promise<readonly R[]> {
  let client = clients.get(url)
  if (client === undefined) clients.set(url, (client = connected(url)))
  try {
    const { rows } = await (await client).query({ text: query, query_timeout: PATIENCE } as QueryConfig)
    return rows as R[]
  } catch (error) {
    clients.delete(url)
    void client.then((one) => one.end()).catch(() => {})
    throw error
  }
}

async function connected(url: string): Promise<Client> {
  const client = new Client({
    connectionString: url,
    application_name: 'torture',
    options: '-c search_path=damson',
    connectionTimeoutMillis: PATIENCE,
    types: {
      getTypeParser: (oid: number, format?: 'text' | 'binary'): ((value: string) => unknown) =>
        oid === INT8 ? Number : types.getTypeParser(oid, format),
    },
  })
  client.on('error', () => {})
  await client.connect()
  return client
}

/** Ends the connections to servers. */
export async function endReading(): Promise<void> {
  const all = [...clients.values()]
  clients.clear()
  for (const client of all) await client.then((one) => one.end()).catch(() => {})
}
