import { readlinkSync, realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { checkText } from '../../shared/text.ts'

/**
 * The path of a file itself, whichever links lead to it: SQLite names the files beside it so, and all programs have to name their
 * locks alike. Where there is no file yet, it is the path at which it would be made.
 */
export function realPath(path: string): string {
  const absolute = resolve(path)
  try {
    return realpathSync(absolute)
  } catch {
    try {
      return realPath(resolve(dirname(absolute), readlinkSync(absolute)))
    } catch {
      return beside(absolute)
    }
  }
}

function beside(absolute: string): string {
  try {
    return join(realpathSync(dirname(absolute)), basename(absolute))
  } catch {
    return absolute
  }
}

/**
 * What SQLite takes for other things than files would be made as files of those names.
 *
 * @throws TypeError for what is no path
 */
export function checkPath(path: unknown): void {
  checkText('SqliteStore.open: the path', path)
  const text = path as string
  if (text.startsWith(':memory:')) {
    throw new TypeError(
      `SqliteStore.open: ${JSON.stringify(text)} is no path of a file: for a store in memory use \`new MemoryStore()\`, or give ':memory:' as \`store\` to Engine.open`,
    )
  }
  if (/^file:/i.test(text)) {
    throw new TypeError(
      `SqliteStore.open: ${JSON.stringify(text)} is a URI, not a path: give the path of the file, as \`fileURLToPath\` of node:url makes it; for a store in memory use \`new MemoryStore()\``,
    )
  }
}
