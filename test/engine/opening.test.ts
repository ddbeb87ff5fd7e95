import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Client, Engine, PersistenceError } from '../../src/index.ts'
import { SqliteStore } from '../../src/persistence/sqlite/index.ts'
import { Add } from './processes.ts'

/** The path of a file that does not exist, in a folder of its own. */
function aPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'damson-opening-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'typo.db')
}

test('a client refuses a path at which no file exists, and creates none', async () => {
  const store = aPath()
  const refused = Client.open({ store })
  await expect(refused).rejects.toThrow(PersistenceError)
  await expect(refused).rejects.toThrow(/there is no store at .*typo\.db: nothing was created.*create: true/)
  expect(existsSync(store)).toBe(false)
})

test('a client creates a file if an option asks for it, and opens one that exists without that option', async () => {
  const store = aPath()
  const first = await Client.open({ store, create: true })
  const { pid } = await first.launch(Add, { a: 1 })
  await first.close()
  const second = await Client.open({ store })
  expect((await second.list()).processes.map((process) => process.pid)).toEqual([pid])
  await second.close()
  const third = await Client.open({ store, create: true })
  expect((await third.list()).processes).toHaveLength(1)
  await third.close()
})

test('an engine creates a file, unless an option forbids it', async () => {
  const store = aPath()
  const options = { store, processes: [Add], handleSignals: false }
  await expect(Engine.open({ ...options, create: false })).rejects.toThrow(/there is no store at/)
  expect(existsSync(store)).toBe(false)
  await (await Engine.open(options)).close()
  expect(existsSync(store)).toBe(true)
  await (await Engine.open({ ...options, create: false })).close()
})

test('a store that is opened by itself creates a file, unless an option forbids it', async () => {
  const path = aPath()
  await expect(SqliteStore.open(path, { create: false })).rejects.toThrow(/there is no store at/)
  expect(existsSync(path)).toBe(false)
  await (await SqliteStore.open(path)).close()
  await (await SqliteStore.open(path, { create: false })).close()
})
