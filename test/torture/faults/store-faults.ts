import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import Database from 'better-sqlite3'
import type { Log } from '../log.ts'

/** How long another program is waited for, in milliseconds: this program stands still meanwhile. */
const BUSY = 300

/** Another program on the file: it holds the lock, truncates the log, vacuums, copies, and fills the disk. */
export class StoreFaults {
  readonly #path: string
  readonly #folder: string
  readonly #log: Log
  readonly #ballast: string | undefined
  #db: Database.Database | undefined
  #copies = 0

  /** `disk` is the folder of a small disk of its own on which the store is, if there is one. */
  constructor(path: string, folder: string, disk: string | undefined, log: Log) {
    this.#path = path
    this.#folder = folder
    this.#ballast = disk === undefined ? undefined : join(disk, 'ballast')
    this.#log = log
  }

  get copies(): readonly string[] {
    return Array.from({ length: this.#copies }, (_, index) => this.#copy(index + 1)).filter(existsSync)
  }

  /** Holds the lock that every write needs for so many milliseconds, or until the promise resolves. */
  async holdLock(released: number | Promise<void>): Promise<void> {
    const isTimed = typeof released === 'number'
    await this.#during(isTimed ? `lock held for ${released} ms` : 'lock held', async (db) => {
      db.exec('BEGIN IMMEDIATE')
      await (isTimed ? later(released) : released)
      db.exec('ROLLBACK')
    })
  }

  async truncateLog(): Promise<void> {
    await this.#during('log truncated', (db) => void db.pragma('wal_checkpoint(TRUNCATE)'))
  }

  async vacuum(): Promise<void> {
    await this.#during('vacuum', (db) => void db.exec('VACUUM'))
  }

  async backup(): Promise<void> {
    const to = this.#copy(++this.#copies)
    await this.#during('backup', async (db) => void (await db.backup(to, { progress: () => 200 })))
  }

  /** Leaves nothing of the disk for so long. */
  async fillDisk(ms: number): Promise<void> {
    const ballast = this.#ballast
    if (ballast === undefined) return
    this.#log.add({ what: 'fault', fault: 'full disk', phase: 'begin' })
    const until = performance.now() + ms
    const file = openSync(ballast, 'a')
    for (let size = 1 << 20; performance.now() < until;) {
      try {
        writeSync(file, Buffer.alloc(size))
      } catch {
        if (size > 512) size /= 2
        else await later(20)
      }
    }
    closeSync(file)
    rmSync(ballast, { force: true })
    this.#log.add({ what: 'fault', fault: 'full disk', phase: 'end' })
  }

  close(): void {
    this.#db?.close()
    this.#db = undefined
  }

  #copy(number: number): string {
    return join(this.#folder, `backup-${number}.db`)
  }

  async #during(fault: string, act: (db: Database.Database) => Promise<void> | void): Promise<void> {
    try {
      this.#db ??= new Database(this.#path, { timeout: BUSY, fileMustExist: true })
      this.#log.add({ what: 'fault', fault, phase: 'begin' })
      await act(this.#db)
      this.#log.add({ what: 'fault', fault, phase: 'end' })
    } catch (error) {
      // The file is not there yet, or another program has the lock.
      this.#log.add({ what: 'fault', fault, phase: 'end', detail: String(error) })
    }
  }
}

/** A small disk in memory, where the system lets one have that. Undefined where not. */
export function mountDisk(folder: string, megabytes: number): string | undefined {
  if (process.platform !== 'linux') return undefined
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder])
  if (status !== 0) return undefined
  return statfsSync(folder).blocks > 0 ? folder : undefined
}

export function unmountDisk(folder: string): void {
  spawnSync('umount', ['-l', folder])
}
