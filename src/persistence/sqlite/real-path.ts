import { readlinkSync, realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { checkText } from '../../shared/text.ts'

/**
 * Resolves the links in the path of a file. SQLite names the files beside the database by the
 * resolved path, and all programs must name their locks alike. If there is no file yet, returns the
 * path at which it would be created.
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
 * Refuses names that SQLite does not treat as files, such as `file:` URLs.
 *
 * @throws TypeError for a value that is not a path
 */
export function checkPath(path: unknown): void {
  checkText('SqliteStore.open: the path', path)
  const text = path as string
  if (text.startsWith(':memory:')) {
    throw new TypeError(
      `SqliteStore.open: ${JSON.stringify(text)} is not the path of a file: for a store in memory use \`new MemoryStore()\`, or give ':memory:' as \`store\` to Engine.open`,
    )
  }
  if (/^file:/i.test(text)) {
    throw new TypeError(
      `SqliteStore.open: ${JSON.stringify(text)} is a URI, not a path: give the path of the file, as \`fileURLToPath\` of node:url makes it; for a store in memory use \`new MemoryStore()\``,
    )
  }
}
