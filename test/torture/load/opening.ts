import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import { PersistenceError, type Logger } from '../../../src/index.ts'
import { given } from './here.ts'

/** How often it is tried to open the store, as long as the disk is full or another program holds the lock. */
const TRIES = 20

export async function opened<T>(open: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await open()
    } catch (error) {
      logger.warn({ error: String(error), tries }, 'the store cannot be opened')
      if (tries === TRIES || !(error instanceof PersistenceError)) throw error
      await later(250)
    }
  }
}

const say = (level: string) => (details: object, message: string) =>
  appendFileSync(
    join(given.folder, `${given.name}.log`),
    `${new Date().toISOString()} ${level} ${message} ${JSON.stringify(details, plain)}\n`,
  )

function plain(_key: string, value: unknown): unknown {
  return value instanceof Error ? { name: value.name, message: value.message, stack: value.stack } : value
}

/** What an engine or client says of itself, in a file of its program. */
export const logger: Logger = {
  debug: () => {},
  info: say('info'),
  warn: say('warn'),
  error: say('error'),
}
