import { errorText } from '../shared/error-text.ts'
import { PersistenceError } from '../shared/errors.ts'

/*
 * Files that are written as a whole: a reader sees the old text or the new one, and never a part. The
 * modules of Node are loaded when a file is written or read, so that the core also loads without them.
 */

/**
 * Writes a file, and creates the folders above it. Returns its absolute path.
 *
 * @throws PersistenceError if the file can't be written
 */
export async function writeWholeFile(path: string, text: string): Promise<string> {
  const { mkdir, open, rename, rm } = await import('node:fs/promises')
  const paths = await import('node:path')
  const file = paths.resolve(path)
  const temporary = `${file}.${globalThis.crypto.randomUUID()}.tmp`
  try {
    await mkdir(paths.dirname(file), { recursive: true })
    const handle = await open(temporary, 'wx')
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {})
    throw new PersistenceError(`${file} could not be written: ${errorText(error)}`, { cause: error })
  }
  return file
}

/** @throws PersistenceError if there is no such file, or it can't be read */
export async function readWholeFile(path: string): Promise<string> {
  const { readFile } = await import('node:fs/promises')
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new PersistenceError(`${path} could not be read: ${errorText(error)}`, { cause: error })
  }
}
