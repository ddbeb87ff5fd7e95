import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { Client, milliseconds } from '../../index.ts'
import { isDatabaseUrl } from '../../shared/store-url.ts'
import { UsageError } from './usage-error.ts'

/** The option of every command that answers with values. */
export interface JsonOption {
  readonly json?: true
}

/** The options of every command that uses a store. */
export interface StoreOptions extends JsonOption {
  readonly store: string
}

export function withJson(command: Command): Command {
  return command.option('--json', 'answer in JSON')
}

export function withStore(command: Command): Command {
  return withJson(
    command.addOption(
      new Option('--store <store>', 'the SQLite file, or postgres:// URL, that holds the processes')
        .env('DAMSON_STORE')
        .default('damson.db'),
    ),
  )
}

/** The files of a folder that may be stores, at most 5. */
function storesIn(folder: string): readonly string[] {
  try {
    const names = readdirSync(folder).filter((name) => /\.(db|sqlite3?)$/.test(name))
    return names
      .toSorted()
      .slice(0, 5)
      .map((name) => join(folder, name))
  } catch {
    return []
  }
}

/** Opens a client of an existing store. A command that shows or controls processes must not create one. */
export async function withClient<T>(store: string, use: (client: Client) => Promise<T>): Promise<T> {
  if (store !== ':memory:' && !isDatabaseUrl(store) && !existsSync(store)) {
    const others = storesIn(dirname(store))
    const there =
      others.length === 0
        ? 'name one with --store FILE or DAMSON_STORE, or make one with damson run'
        : `--store FILE or DAMSON_STORE names one: there ${others.length === 1 ? 'is' : 'are'} ${others.join(', ')}`
    throw new UsageError(`there is no store ${store} here; ${there}`)
  }
  const client = await Client.open({ store })
  try {
    return await use(client)
  } finally {
    await client.close()
  }
}

export function duration(text: string): number {
  try {
    return milliseconds(/^\d+$/.test(text) ? Number(text) : text)
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
}

/** A date, or a duration before now, in wall-clock milliseconds. */
export function timeSince(text: string): number {
  if (/^\d{4}-/.test(text)) {
    const time = Date.parse(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00` : text)
    if (Number.isNaN(time))
      throw new InvalidArgumentError('give a date such as 2026-01-31 or 2026-01-31T12:00.')
    return time
  }
  try {
    return Date.now() - duration(text)
  } catch {
    throw new InvalidArgumentError(
      `"${text}" is neither a duration, such as 2h, nor a date, such as 2026-01-31 or 2026-01-31T12:00.`,
    )
  }
}

export function wholeNumber(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('give a whole number from 1.')
  return value
}
