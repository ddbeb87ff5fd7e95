import { errorText } from '../../shared/error-text.ts'
import { ClosedError, DamsonError, PersistenceError } from '../../shared/errors.ts'

/**
 * Whether another program holds the lock. The call is then tried again; no caller gets this error.
 */
export function isBusy(error: unknown): boolean {
  return codeOf(error).startsWith('SQLITE_BUSY') || codeOf(error).startsWith('SQLITE_LOCKED')
}

/**
 * Whether a page of the file is damaged or can't be read. Other pages may be sound (C9), but the
 * transaction is lost.
 */
export function isDamage(error: unknown): boolean {
  const code = codeOf(error)
  return (
    code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_IOERR_READ' || code === 'SQLITE_IOERR_SHORT_READ'
  )
}

/** Whether the value of one write was refused, so that the transaction is sound. */
export function isOfOneWrite(error: unknown): boolean {
  const code = codeOf(error)
  return (
    code === 'SQLITE_TOOBIG' ||
    code === 'SQLITE_MISMATCH' ||
    code.startsWith('SQLITE_CONSTRAINT') ||
    // The driver can't bind the value.
    error instanceof TypeError ||
    error instanceof RangeError
  )
}

/** Whether the error concerns one stored process rather than the whole file. */
export function isOfOneProcess(error: unknown): boolean {
  return (
    isDamage(error) ||
    isOfOneWrite(error) ||
    (!codeOf(error).startsWith('SQLITE_') && !(error instanceof ClosedError))
  )
}

/** Wraps an error of the driver in a `PersistenceError`. Returns our own errors as they are. */
export function persistenceError(path: string, doing: string, error: unknown): DamsonError {
  if (error instanceof DamsonError) return error
  const code = codeOf(error)
  const said = errorText(error)
  return new PersistenceError(`${path}: ${doing} failed: ${explanation(code) ?? said}`, { cause: error })
}

function explanation(code: string): string | undefined {
  if (code === 'SQLITE_NOTADB')
    return 'the file is not an SQLite database. Nothing was changed; give another path'
  if (code.startsWith('SQLITE_CORRUPT')) {
    return 'the file is damaged or cut off. Nothing was changed; restore it from a copy, or save what `sqlite3 .recover` finds'
  }
  if (code === 'SQLITE_FULL')
    return 'the disk is full. Nothing of this was saved, what was saved before is safe; make room'
  if (code.startsWith('SQLITE_READONLY')) return 'this program may not write to the file or its folder'
  if (code.startsWith('SQLITE_CANTOPEN'))
    return 'the file cannot be opened: does its folder exist, and is it writable?'
  if (code === 'SQLITE_PERM' || code === 'SQLITE_AUTH') return 'this program has no right to use the file'
  if (code.startsWith('SQLITE_IOERR'))
    return `reading or writing the disk failed (${code}). Nothing of this was saved`
  return undefined
}

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return ''
  const { code } = error as { readonly code?: unknown }
  return typeof code === 'string' ? code : ''
}
