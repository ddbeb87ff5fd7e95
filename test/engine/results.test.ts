import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Engine, Process, type ProcessSpec, resolveHandles, Stop } from '../../src/index.ts'
import { SqliteStore } from '../../src/persistence/sqlite/index.ts'
import { overEachStore } from './over-stores.ts'

const given = { list: [1, 2], when: new Date(0) }

/** Keeps what it gives, as a result and as an output. */
class Giving extends Process<typeof Giving> {
  static override define(spec: ProcessSpec) {
    return spec
      .input('how', { schema: { enum: ['result', 'output', 'missing', 'fails'] } })
      .output('given')
      .output('another', { required: false })
  }
  override run(): unknown {
    if (this.inputs.how === 'missing') return undefined
    if (this.inputs.how === 'fails') throw new TypeError('not today', { cause: given })
    this.out('given', given)
    this.out('another', 1)
    return this.inputs.how === 'result' ? given : new Stop()
  }
}

async function traced(): Promise<{ engine: Engine; ran: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'damson-results-'))
  const ran: string[] = []
  const store = await SqliteStore.open(join(folder, 'store.db'), { trace: (sql) => ran.push(sql) })
  const engine = await Engine.open({ store, processes: [Giving], handleSignals: false })
  onTestFinished(async () => {
    await engine.close()
    await store.close()
    await rm(folder, { recursive: true })
  })
  return { engine, ran }
}

test('from a launch to its result, two commits each write a row and its place in the feed, and no process is read', async () => {
  const { engine, ran } = await traced()
  await (await engine.launch(Giving, { how: 'result' })).result()
  ran.length = 0
  const handle = await engine.launch(Giving, { how: 'result' })
  expect(await handle.result()).toEqual(given)
  const statements = ran.filter((sql) => !sql.startsWith('PRAGMA')).map((sql) => sql.split(/[\s(]+/))
  expect(
    statements.map(([verb, one, two]) => (verb === 'INSERT' ? `${verb} ${two}` : `${verb} ${one ?? ''}`)),
  ).toEqual([
    'BEGIN IMMEDIATE',
    'SELECT coalesce',
    'INSERT process',
    'INSERT feed',
    'COMMIT ',
    'BEGIN IMMEDIATE',
    'SELECT coalesce',
    'UPDATE process',
    'SELECT 1',
    'SELECT EXISTS',
    'INSERT feed',
    'COMMIT ',
  ])
})

overEachStore((over) => {
  test.each([
    ['result', 'fulfilled', true],
    ['output', 'fulfilled', true],
    ['missing', 'fulfilled', false],
    ['fails', 'rejected', false],
  ] as const)(
    'how a process ended (%s) is the same for who ran it and for who reads it from the store (C1)',
    async (how, status, successful) => {
      const engine = await over().engine([Giving])
      const handle = await engine.launch(Giving, { how })
      const here = await handle.outcome()
      const client = await over().client([Giving])
      const there = await client.handle(Giving, handle.pid).outcome()
      expect(here).toMatchObject({ status, state: { successful } })
      expect(there).toEqual(here)
      // To the order of the names.
      expect(JSON.stringify(there)).toBe(JSON.stringify(here))
      expect(there.state).toEqual(here.state)
    },
  )

  test('what a handle gives is what was saved, and not what the step holds (C1)', async () => {
    const engine = await over().engine([Giving])
    const result = (await (await engine.launch(Giving, { how: 'result' })).result()) as typeof given
    expect(result).toEqual(given)
    expect(result.list).not.toBe(given.list)
    const outputs = await (await engine.launch(Giving, { how: 'output' })).result()
    expect(outputs).toEqual({ given, another: 1 })
    expect((outputs as { given: unknown }).given).not.toBe(given)
  })

  test('each reader of a result gets a value of its own', async () => {
    const engine = await over().engine([Giving])
    const handle = await engine.launch(Giving, { how: 'result' })
    const [one, other] = (await Promise.all([handle.result(), handle.result()])) as [
      typeof given,
      typeof given,
    ]
    expect(one).toEqual(given)
    one.list.length = 0
    expect(other).toEqual(given)
    expect(await handle.result()).toEqual(given)
    expect(await resolveHandles([handle, handle])).toEqual([given, given])
  })

  test('of a kill and an end that cross, a handle reports the one that was committed first (C5)', async () => {
    const engine = await over().engine([Giving])
    const client = await over().client()
    const settled = await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        const handle = await engine.launch(Giving, { how: 'result' })
        const kill = index % 2 === 0 ? client.handle(handle.pid).kill('enough', { force: true }) : undefined
        const state = await handle.wait()
        return { here: state, killed: await kill, there: await client.handle(handle.pid).refresh() }
      }),
    )
    for (const { here, killed, there } of settled) {
      expect(here).toEqual(there)
      expect(here?.label).toBe(killed === true ? 'killed' : 'finished')
    }
  })
})
