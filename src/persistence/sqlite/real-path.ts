import { readlinkSync, realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'

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
