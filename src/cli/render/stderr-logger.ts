import { inspect } from 'node:util'
import type { Logger } from '../../index.ts'
import { note } from './output.ts'

/** Writes the warnings and errors of an engine to stderr. */
export const stderrLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: (details, message) => note(line('warning', details, message)),
  error: (details, message) => note(line('error', details, message)),
}

function line(level: string, details: object, message: string): string {
  const { err, pid } = details as { readonly err?: unknown; readonly pid?: string }
  const about = pid === undefined ? '' : ` (process ${pid})`
  const why = err === undefined ? '' : `: ${err instanceof Error ? err.message : inspect(err)}`
  return `${level}: ${message}${about}${why}`
}
