import { copyFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { check } from '../checker/check.ts'
import { readWorld, type Paths } from '../checker/world.ts'
import { readLog } from '../log.ts'
import { Sql, type Corruption } from './corruption.ts'

/** The rules that a copy of a good run violates with one thing wrong. The copy is made in the folder of `bad`. */
export function violatedBy(
  { store, log, locks = [], stderr }: Corruption,
  good: Paths,
  bad: Paths,
): readonly string[] {
  for (const end of ['-wal', '-shm']) rmSync(bad.store + end, { force: true })
  copyFileSync(good.store, bad.store)
  // Where the machine was slow, that would excuse some of it.
  const lines = readLog(good.log).filter((line) => line.what !== 'late')
  const written = log?.(lines) ?? lines
  writeFileSync(bad.log, written.map((line) => `${JSON.stringify(line)}\n`).join(''))
  writeFileSync(join(bad.folder, 'e1.stderr'), stderr ?? '')
  if (store !== undefined) {
    const file = new Database(bad.store)
    try {
      store(new Sql(file))
    } finally {
      file.close()
    }
  }
  return check(readWorld({ ...bad, locks })).map(({ rule }) => rule)
}
