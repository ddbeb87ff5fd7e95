import { chmodSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'

const IN_MEMORY = '/dev/shm'
/** In bytes; the whole suite needs less. */
const ENOUGH = 2 ** 30

/**
 * Before the tests: their temporary files go to a file system in memory where there is one. No test cuts the power, so nothing that a
 * test can see depends on the disk, and thousands of commits need not wait for it.
 */
export function setup(): (() => void) | undefined {
  if (!hasRoom()) return undefined
  const folder = mkdtempSync(join(IN_MEMORY, 'damson-tests-'))
  // As the folder for temporary files is: open to all.
  chmodSync(folder, 0o1777)
  process.env.TMPDIR = folder
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

function hasRoom(): boolean {
  try {
    const { bavail, bsize } = statfsSync(IN_MEMORY)
    return bavail * bsize >= ENOUGH
  } catch {
    return false
  }
}
