import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'vitest'
import { SqliteStore } from '../../src/persistence/sqlite/index.ts'
import { SimulatedClock } from '../../src/testing/index.ts'
import { HAS_MORE, share } from '../run/extent.ts'
import { engine } from './fixtures.ts'
import { inMemory, expectSameAnswers, type Stage } from './random-writes.ts'

/*
 * SQLite has statements of its own for the hot path, and the rules are shared. Whatever is written in whatever order, both back ends
 * answer and look the same.
 */

async function inFile(): Promise<Stage> {
  const clock = new SimulatedClock()
  const folder = mkdtempSync(join(tmpdir(), 'damson-same-'))
  const open = () => SqliteStore.open(join(folder, 'store.db'), { clock })
  const store = await open()
  let other: SqliteStore | undefined
  return {
    store,
    clock,
    async join() {
      other = await open()
      await other.join(engine('B'))
    },
    async kill() {
      await other?.close()
      other = undefined
    },
    async close() {
      await other?.close()
      await store.close()
      rmSync(folder, { recursive: true })
    },
  }
}

test(
  'memory and SQLite answer and look the same, whatever is written to them',
  { ...HAS_MORE, timeout: 240_000 },
  () => expectSameAnswers(async () => [await inMemory(), await inFile()], share(30, 200)),
)
