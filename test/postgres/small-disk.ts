import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A small disk of a test's own, which the test fills. */
export class SmallDisk {
  readonly folder: string
  readonly #ballast: string

  /** Throws where this program may not mount anything. */
  constructor(megabytes: number) {
    this.folder = mkdtempSync(join(tmpdir(), 'damson-disk-'))
    this.#ballast = join(this.folder, 'ballast')
    try {
      const options = `size=${megabytes}m,mode=755`
      execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'damson-disk', this.folder], { stdio: 'pipe' })
    } catch (error) {
      rmdirSync(this.folder)
      throw error
    }
  }

  /** Leaves nothing of it. */
  fill(): void {
    const file = openSync(this.#ballast, 'a')
    for (let size = 1 << 20; size >= 512;) {
      try {
        writeSync(file, Buffer.alloc(size))
      } catch {
        size /= 2
      }
    }
    closeSync(file)
  }

  makeRoom(): void {
    rmSync(this.#ballast, { force: true })
  }

  remove(): void {
    execFileSync('umount', ['-l', this.folder])
    rmdirSync(this.folder)
  }
}

/** Whether this program may mount a disk. If not, says which tests are left out. */
export function canMount(leftOut: string): boolean {
  try {
    new SmallDisk(1).remove()
    return true
  } catch {
    console.log(`left out: ${leftOut}; only a user who may mount a disk can run them`)
    return false
  }
}
