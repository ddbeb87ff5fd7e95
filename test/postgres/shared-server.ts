import { randomUUID } from 'node:crypto'
import { Client } from 'pg'
import { isAsked, PostgresServer } from './server.ts'

/** The variable of the environment that has the URL of the server that all tests share. */
const SHARED = 'DAMSON_POSTGRES_URL'

/** Before the tests: starts the server, if the tests on Postgres are to run. */
export async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (!isAsked) return undefined
  const server = await PostgresServer.start()
  process.env[SHARED] = server.url
  return () => server.remove()
}

/** Makes another database the shared one, until the function that it returns is called. */
export function useServer(url: string): () => void {
  const before = process.env[SHARED]
  process.env[SHARED] = url
  return () => {
    if (before === undefined) delete process.env[SHARED]
    else process.env[SHARED] = before
  }
}

/** The URL of the server. A test that stops its server starts one of its own instead. */
export function sharedServer(): string {
  const url = process.env[SHARED]
  if (url === undefined) throw new Error('no server of Postgres runs for the tests; run them by vitest')
  return url
}

/** The URL of a new database of that server. */
export async function newDatabase(): Promise<string> {
  const name = `test_${randomUUID().replaceAll('-', '')}`
  const client = new Client(sharedServer())
  await client.connect()
  await client.query(`CREATE DATABASE ${name}`)
  await client.end()
  const url = new URL(sharedServer())
  url.pathname = `/${name}`
  return url.href
}
