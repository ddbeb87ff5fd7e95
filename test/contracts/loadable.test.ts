import Database from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'
import { Client, Engine, IncompatibleBundle, Process, Wait, type AnyProcessClass } from '../../src/index.ts'
import { untilRow, untilWaiting } from '../engine/over-stores.ts'
import { Count } from '../engine/processes.ts'
import { aPath, overBackEnds, claim, create, everything, openSqlite, register } from './stores.ts'

test('C9: a damaged process is parked, its bytes kept, and holds up no other', async () => {
  const path = await aPath()
  const client = await Client.open({ store: path, create: true })
  onTestFinished(() => client.close())
  const [damaged, ...others] = await Promise.all(Array.from({ length: 4 }, () => client.launch(Count)))
  if (damaged === undefined) throw new Error('nothing was launched')
  const file = new Database(path)
  onTestFinished(() => void file.close())
  const inputs = file.prepare<[string], { text: string }>('SELECT inputs AS text FROM process WHERE pid = ?')
  const change = file.prepare('UPDATE process SET inputs = ? WHERE pid = ?')
  const sound = inputs.get(damaged.pid)?.text
  const bytes = '{"steps": \u0000'
  change.run(bytes, damaged.pid)

  const engine = await Engine.open({ store: path, processes: [Count], concurrency: 1, handleSignals: false })
  onTestFinished(() => engine.close())
  for (const handle of others) expect(await handle.outputs.all()).toEqual({ count: 3 })
  expect(await engine.store.read(damaged.pid)).toMatchObject({ state: 'created', owner: null })
  expect((await engine.store.read(damaged.pid))?.parked).toMatch(/damaged/)
  expect(await engine.explain(damaged.pid)).toMatch(/parked.*damaged/)
  expect(inputs.get(damaged.pid)?.text).toBe(bytes)

  // Mended and played, it goes on.
  change.run(sound, damaged.pid)
  expect(await damaged.play()).toBe(true)
  expect(await damaged.outputs.all()).toEqual({ count: 3 })
})

overBackEnds((_, open) => {
  test('C9: what is damaged is neither edited nor restarted, and keeps its bytes', async () => {
    const store = await open()
    const client = await Client.open({ store })
    onTestFinished(() => client.close())
    const parts = { inputs: '{}', state: '{"label":"created"}', memory: '{"ctx": ' }
    await store.commit([{ ...create('edited'), parts }])
    await store.commit([{ ...create('ended'), parts: { inputs: '{}', state: '{"label": ' } }])
    await client.handle('ended').kill()
    const before = [await everything(store, 'edited'), await everything(store, 'ended')]
    await expect(client.edit('edited', { 'ctx.n': 1 })).rejects.toBeInstanceOf(IncompatibleBundle)
    await expect(client.restart('ended')).rejects.toBeInstanceOf(IncompatibleBundle)
    expect([await everything(store, 'edited'), await everything(store, 'ended')]).toEqual(before)
    expect(await client.count()).toMatchObject({ created: 1, killed: 1 })
  })
})

class Oven extends Process<typeof Oven> {
  override run(): unknown {
    return new Wait(this.serve)
  }
  serve(): string {
    return 'served'
  }
}

test('C9: a process whose class has lost its next step is parked, and goes on once it has the step again', async () => {
  const path = await aPath()
  const open = (processClass: AnyProcessClass): Promise<Engine> =>
    Engine.open({ store: path, processes: [processClass], handleSignals: false })
  const before = await open(Oven)
  const { pid } = await before.launch(Oven)
  await untilWaiting(before.store, pid)
  await before.close()

  const Renamed = class Oven extends Process {
    override run(): unknown {
      return new Wait()
    }
  }
  const renamed = await open(Renamed)
  await renamed.handle(pid).resume()
  const row = await untilRow(renamed.store, pid, ({ parked, endedAt }) => parked !== null || endedAt !== null)
  expect(row).toMatchObject({ state: 'waiting', owner: null })
  expect(row.parked).toMatch(/has no method serve .* `static upgrade`/)
  await renamed.close()

  const after = await open(Oven)
  onTestFinished(() => after.close())
  expect(await after.handle(pid).play()).toBe(true)
  expect(await after.handle(pid).result()).toBe('served')
})

test('C9: only classes that an engine names are claimed for it, and none of a newer version', async () => {
  const store = await openSqlite(await aPath())
  await register(store, 'engine')
  await store.commit([
    { ...create('strange'), className: 'Strange' },
    { ...create('newer'), version: 2 },
    { ...create('older'), version: 0 },
    create('known'),
  ])
  const claimed = await claim(store, 'engine')
  expect(claimed.map(({ row }) => row.pid).toSorted()).toEqual(['known', 'older'])
  for (const pid of ['strange', 'newer']) {
    expect(await store.read(pid)).toMatchObject({ state: 'created', owner: null, parked: null, seq: 0 })
    expect(await store.history(pid)).toHaveLength(1)
  }
})
