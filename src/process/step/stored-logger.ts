import type { Logger } from '../../shared/logger.ts'
import type { StoredLevel } from '../state/report.ts'

/** Receives each text that is to be stored. */
export type LogStore = (level: StoredLevel, text: string) => void

const LEVELS: readonly string[] = ['info', 'warn', 'error'] satisfies StoredLevel[]
/** The longest text of details, in characters. */
const LONGEST_DETAILS = 10_000

/**
 * A logger that also stores what it writes, except at the level `debug`. It keeps the other members
 * of the logger. What its `child` logs is stored too.
 */
export function storedLogger(logger: Logger, store: LogStore): Logger {
  const methods = new Map<string | symbol, unknown>()
  const methodOf = (name: string, method: (...args: unknown[]) => unknown): unknown => {
    if (LEVELS.includes(name)) {
      return (...args: unknown[]) => {
        store(name as StoredLevel, lineOf(name, args))
        return method.apply(logger, args)
      }
    }
    if (name !== 'child') return method.bind(logger)
    return (...args: unknown[]) => {
      const child = method.apply(logger, args)
      return isLogger(child) ? storedLogger(child, store) : child
    }
  }
  return new Proxy(logger, {
    get(_, name) {
      const value: unknown = Reflect.get(logger, name)
      if (typeof value !== 'function' || typeof name !== 'string') return value
      let method = methods.get(name)
      if (method === undefined)
        methods.set(name, (method = methodOf(name, value as (...args: unknown[]) => unknown)))
      return method
    },
  })
}

function isLogger(value: unknown): value is Logger {
  return typeof value === 'object' && value !== null && LEVELS.every((level) => level in value)
}

/**
 * `warn: the disk is slow {"free":3}`, and below it the stack of the error `err`, or of the error that
 * was given as the details.
 */
function lineOf(level: string, [details, message]: readonly unknown[]): string {
  if (typeof details !== 'object' || details === null) return `${level}: ${wordsOf(message ?? details)}\n`
  if (details instanceof Error) return lineOf(level, [{ err: details }, message ?? details.message])
  const { err, ...rest } = details as { readonly err?: unknown }
  const shown = textOf(rest)
  const line = `${level}: ${wordsOf(message ?? '')}${shown === '{}' ? '' : ` ${shown}`}\n`
  if (err === undefined) return line
  return `${line}${err instanceof Error ? (err.stack ?? err.message) : textOf(err)}\n`
}

function wordsOf(message: unknown): string {
  return typeof message === 'string' ? message : textOf(message)
}

/** The logger may take values that JSON does not. */
function textOf(value: unknown): string {
  try {
    const text = JSON.stringify(value, withErrors) ?? String(value)
    return text.length > LONGEST_DETAILS ? `${text.slice(0, LONGEST_DETAILS)}…` : text
  } catch {
    return '{…}'
  }
}

/** JSON would show an error as `{}`, and refuses a bigint. */
function withErrors(_: string, value: unknown): unknown {
  if (value instanceof Error) return String(value)
  return typeof value === 'bigint' ? `${value}n` : value
}
