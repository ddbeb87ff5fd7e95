import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  Client,
  Continue,
  Engine,
  IncompatibleBundle,
  Process,
  type ProcessSpec,
  Wait,
} from '../../../src/index.ts'
import { SqliteStore } from '../../../src/persistence/sqlite/index.ts'
import { untilRow, untilWaiting } from '../../engine/over-stores.ts'
import { advance, create, done, engine } from '../fixtures.ts'

/*
 * C9: one damaged item harms no other. Pages are damaged for real, in a file that nobody has open.
 */

class Padded extends Process<typeof Padded> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('number').input('padding')
  }
  override run(): unknown {
    return new Continue(this.rest)
  }
  rest(): unknown {
    return new Wait(this.end, { for: 5 })
  }
  end(): number {
    return this.inputs.number as number
  }
}

class Idle extends Process<typeof Idle> {
  override run(): unknown {
    return new Wait()
  }
}

let folder: string
let path: string
const opened: { close(): Promise<void> }[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'damson-damage-'))
  path = join(folder, 'store.db')
})
afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one.close()
  rmSync(folder, { recursive: true })
})

function kept<T extends { close(): Promise<void> }>(one: T): T {
  opened.push(one)
  return one
}

/** Overwrites a leaf page of a table; the pids of which parts can't be read any more. */
function damageParts(): string[] {
  const db = new Database(path)
  db.pragma('wal_checkpoint(TRUNCATE)')
  const size = db.pragma('page_size', { simple: true }) as number
  const leaves = "SELECT pageno FROM dbstat WHERE name = 'part' AND pagetype = 'leaf' ORDER BY path"
  const page = db.prepare<[], number>(leaves).pluck().all()[2] as number
  db.close()
  const file = openSync(path, 'r+')
  writeSync(file, Buffer.alloc(size, 0xee), 0, size, (page - 1) * size)
  closeSync(file)
  const damaged = new Database(path, { readonly: true })
  const pids = damaged.prepare<[], string>('SELECT pid FROM process ORDER BY id').pluck().all()
  const parts = damaged.prepare('SELECT * FROM part WHERE process = (SELECT id FROM process WHERE pid = ?)')
  const lost = pids.filter((pid) => {
    try {
      parts.all(pid)
      return false
    } catch {
      return true
    }
  })
  damaged.close()
  return lost
}

test('C9: of processes whose parts lie on a damaged page each is parked, and all others run', async () => {
  const client = await Client.open({ store: path, create: true, processes: [Padded] })
  const padding = 'x'.repeat(2_500)
  const pids: string[] = []
  for (let number = 0; number < 40; number++)
    pids.push((await client.launch(Padded, { number, padding })).pid)
  await client.close()
  const lost = damageParts()
  expect(lost.length).toBeGreaterThan(0)
  expect(lost.length).toBeLessThan(20)
  const sound = pids.filter((pid) => !lost.includes(pid))

  const runner = kept(await Engine.open({ store: path, processes: [Padded], handleSignals: false }))
  for (const pid of sound) expect(await runner.handle(pid).result()).toBe(pids.indexOf(pid))
  const { processes } = await runner.list({ limit: 100 })
  const parked = processes.filter(({ state }) => state.reason === 'parked').map(({ pid }) => pid)
  expect(parked.toSorted()).toEqual(lost.toSorted())
  expect(await runner.explain(lost[0] as string)).toMatch(/parked.*damaged/)
  expect(await runner.handle(lost[0] as string).kill('it is lost')).toBe(true)
  const another = await runner.launch(Padded, { number: 7, padding: '' })
  expect(await another.result()).toBe(7)
})

test('C9: a write to a damaged page is refused alone, and the others of its commit are stored', async () => {
  const store = await SqliteStore.open(path)
  await store.join(engine('A'))
  const inputs = JSON.stringify('x'.repeat(2_500))
  const created = Array.from({ length: 40 }, () =>
    create({ claim: 'A', state: 'running', seq: 1, parts: { state: '{}', inputs } }),
  )
  await done(store, ...created)
  await store.close()
  const damaged = damageParts()
  // Not the first, of which only the end may lie there.
  const lost = damaged[Math.floor(damaged.length / 2)]
  const again = kept(await SqliteStore.open(path))
  const pids = [created[0]?.pid as string, lost as string, created[39]?.pid as string]
  const committed = again.commit(
    pids.map((pid) => advance({ pid, fence: 1, seq: 1 }, { parts: { state: '{}', inputs: '"changed"' } })),
  )
  // A commit that fails as a whole is what is not to be.
  const [settled] = await Promise.allSettled([committed])
  expect(settled).toMatchObject({
    status: 'fulfilled',
    value: [{ status: 'done' }, { status: 'refused', damaged: true }, { status: 'done' }],
  })
  const outcomes = await committed
  expect((outcomes[1] as { error: Error }).error.message).toMatch(
    /advance of process \S+ failed: the file is damaged/,
  )
  expect(await again.read(pids[0] as string)).toMatchObject({ seq: 2 })
  expect(await again.read(pids[1] as string)).toMatchObject({ seq: 1 })
})

test('C9: a process of a state that there is not is shown and parked, and ends no program', async () => {
  const client = kept(await Client.open({ store: path, create: true, processes: [Idle] }))
  const [waiting, ready, good] = [
    await client.launch(Idle, {}),
    await client.launch(Idle, {}, { delay: '1d' }),
    await client.launch(Idle, {}),
  ]
  const heard = client
    .handle(waiting.pid)
    .wait({ timeout: '20s' })
    .catch(() => {})
  const runner = kept(await Engine.open({ store: path, processes: [Idle], handleSignals: false }))
  const other = kept(await Engine.open({ store: path, processes: [Idle], handleSignals: false }))
  await runner.launch(Idle, {})
  for (const { pid } of [waiting, good]) await untilWaiting(runner.store, pid)
  const db = new Database(path)
  db.prepare("UPDATE process SET state = 'waitinf' WHERE pid = ?").run(waiting.pid)
  db.prepare("UPDATE process SET state = 'createe', ready_at = 1 WHERE pid = ?").run(ready.pid)
  db.prepare(
    "UPDATE process SET recent = replace(recent, char(9) || '{', char(9) || '{{') WHERE pid = ?",
  ).run(waiting.pid)
  db.close()

  const listed = (await client.list({ limit: 10 })).processes
  expect(listed).toHaveLength(4)
  expect(listed.find(({ pid }) => pid === waiting.pid)?.state).toMatchObject({
    label: 'waitinf',
    reason: 'parked',
  })
  expect(await client.explain(waiting.pid)).toMatch(/state is damaged: there is none called "waitinf"/)
  expect(await client.handle(waiting.pid).pause('for a look')).toBe(true)
  await runner.handle(good.pid).resume()
  expect(await other.handle(good.pid).wait()).toMatchObject({ label: 'finished' })
  // One of the engines parks it, with the claim of the other one or at its next scan.
  await untilRow(runner.store, ready.pid, ({ parked }) => parked?.startsWith('it cannot be read') === true)
  expect(await client.explain(ready.pid)).toContain('parked')
  expect(await client.handle(waiting.pid).kill('enough')).toBe(true)
  await heard
  expect((await client.handle(waiting.pid).refresh()).label).toBe('killed')
})

test('C9: a process whose pid is no text that can be read holds up no other', async () => {
  const client = kept(await Client.open({ store: path, create: true, processes: [Padded] }))
  await client.launch(Padded, { number: 1, padding: '' }, { pid: 'poison' })
  const db = new Database(path)
  // As a lone surrogate was stored before names were checked: bytes that are no UTF-8, and come back as other text.
  db.exec("UPDATE process SET pid = CAST(x'71EDA080' AS TEXT) WHERE pid = 'poison'")
  db.close()
  const before = await client.launch(Padded, { number: 2, padding: '' })
  const runner = kept(await Engine.open({ store: path, processes: [Padded], handleSignals: false }))
  const other = kept(await Engine.open({ store: path, processes: [Padded], handleSignals: false }))
  expect(await runner.handle(before.pid).result()).toBe(2)
  const after = await client.launch(Padded, { number: 3, padding: '' })
  expect(await after.result()).toBe(3)
  expect(await (await other.launch(Padded, { number: 4, padding: '' })).result()).toBe(4)
  const [last] = (await client.list({ limit: 10 })).processes.slice(-1)
  expect(last).toMatchObject({ name: 'Padded', state: { label: 'created' } })
  expect(await runner.killAll({ state: ['created', 'running', 'waiting'] })).toBe(0)
})

test.each(['no JSON', '[1]', '"text"'])(
  'C9: the history of a process with a damaged entry (%s) is an IncompatibleBundle that says where, and its process goes on',
  async (data) => {
    const running = kept(await Engine.open({ store: path, processes: [Idle], handleSignals: false }))
    const handle = await running.launch(Idle)
    await untilWaiting(running.store, handle.pid)
    const db = new Database(path)
    const recent = db.prepare<[string], string>('SELECT recent FROM process WHERE pid = ?').pluck()
    const lines = recent.get(handle.pid)?.replace(/("running".*\t).*/, `$1${data}`)
    db.prepare('UPDATE process SET recent = ? WHERE pid = ?').run(lines, handle.pid)
    db.close()
    for (const read of [() => running.history(handle.pid), () => handle.history()]) {
      const error: unknown = await read().catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(IncompatibleBundle)
      expect((error as Error).message).toContain(handle.pid)
    }
    await handle.resume()
    expect(await handle.wait()).toMatchObject({ label: 'finished' })
  },
)

test('C9: the history of a process that lacks entries is an IncompatibleBundle that names the first of them', async () => {
  const running = kept(await Engine.open({ store: path, processes: [Idle], handleSignals: false }))
  const handle = await running.launch(Idle)
  await untilWaiting(running.store, handle.pid)
  const db = new Database(path)
  db.prepare('UPDATE process SET spilled = 4 WHERE pid = ?').run(handle.pid)
  db.prepare('INSERT INTO history (process, n, text) SELECT id, 1, recent FROM process WHERE pid = ?').run(
    handle.pid,
  )
  const present = db
    .prepare<[], number>("SELECT length(text) - length(replace(text, char(10), '')) FROM history")
    .pluck()
    .get() as number
  db.close()
  expect(present).toBe(3)
  const error: unknown = await handle.history().catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(IncompatibleBundle)
  expect((error as Error).message).toContain(`the history of process ${handle.pid} lacks its entry 4`)
})

test('C9: a process with a damaged reference in its inputs is parked with the place, and others run', async () => {
  const client = kept(await Client.open({ store: path, create: true, processes: [Padded] }))
  const first = await client.launch(Padded, { number: 1, padding: '' })
  const dependent = await client.launch(Padded, { number: 2, padding: first })
  const another = await client.launch(Padded, { number: 3, padding: first })
  const db = new Database(path)
  const damaged = db
    .prepare(`UPDATE process SET inputs = replace(inputs, '"pid":', '"pib":') WHERE pid = ?`)
    .run(dependent.pid)
  db.close()
  expect(damaged.changes).toBe(1)
  const runner = kept(await Engine.open({ store: path, processes: [Padded], handleSignals: false }))
  expect(await runner.handle(another.pid).result()).toBe(3)
  await untilRow(runner.store, dependent.pid, ({ parked }) => parked !== null)
  expect(await client.explain(dependent.pid)).toContain('inputs.padding is damaged: it is not a reference')
  expect(await client.handle(dependent.pid).kill()).toBe(true)
})

test.each(['no JSON', '[1]', '{"done":"x"}'])(
  'C9: a process whose progress is damaged (%s) is listed without it, and goes on',
  async (progress) => {
    const runner = kept(await Engine.open({ store: path, processes: [Idle], handleSignals: false }))
    const handle = await runner.launch(Idle)
    await untilWaiting(runner.store, handle.pid)
    const db = new Database(path)
    db.prepare('UPDATE process SET progress = ? WHERE pid = ?').run(progress, handle.pid)
    db.close()
    const [listed] = (await runner.list({ limit: 10 })).processes
    expect(listed?.state).toMatchObject({ label: 'waiting' })
    expect(listed?.state.progress).toBeUndefined()
    await handle.resume()
    expect(await handle.wait()).toMatchObject({ label: 'finished' })
  },
)

class Counter {
  count = 0
  add(): number {
    return ++this.count
  }
}

test('C9: an actor whose saved state is damaged is parked with its calls, and other actors go on', async () => {
  const first = kept(await Engine.open({ store: path, actors: [Counter], handleSignals: false }))
  const [damaged, sound] = [
    await first.actor(Counter, [], { id: 'damaged' }),
    await first.actor(Counter, [], { id: 'sound' }),
  ]
  for (const actor of [damaged, sound]) expect(await actor.call.add().result()).toBe(1)
  await first.close()
  const db = new Database(path)
  const { changes } = db.prepare(`UPDATE process SET memory = '{"count' WHERE pid = 'damaged'`).run()
  db.close()
  expect(changes).toBe(1)
  const runner = kept(await Engine.open({ store: path, actors: [Counter], handleSignals: false }))
  const waiting = runner.actorById(Counter, 'damaged').call.add()
  expect(await runner.actorById(Counter, 'sound').call.add().result()).toBe(2)
  await untilRow(runner.store, 'damaged', ({ parked }) => parked !== null)
  expect(await runner.explain(waiting.pid)).toContain('parked')
  expect(await runner.handle('damaged').kill()).toBe(true)
  expect((await waiting.wait())?.label).toBe('excepted')
})
