// @module-tag more
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { Client, Engine, Process, type ProcessSpec } from '../../src/index.ts'
import { HAS_MORE } from '../run/extent.ts'
import { POSTGRES, PostgresServer } from './server.ts'

/* Engines on a real server: two programs' worth of engines, broken connections, and a server that is stopped in the middle. */

class Add extends Process<typeof Add> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('a', { schema: { type: 'integer' } }).output('sum', { schema: { type: 'integer' } })
  }
  override async run(): Promise<void> {
    const one = await this.effect('one', () => this.inputs.a + 1)
    await this.sleep('pause', 50)
    this.out('sum', await this.effect('two', () => one + 1))
  }
}

class Parent extends Process<typeof Parent> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.output('sum', { schema: { type: 'integer' } }).signal('go', { schema: { type: 'integer' } })
  }
  override async run(): Promise<void> {
    const children = await Promise.all([1, 2, 3].map((a) => this.launch(Add, { a })))
    const results = await this.join('children', children, { outputs: true })
    const more = await this.receive('go')
    this.out(
      'sum',
      results.reduce((sum, { sum: one }) => sum + one, more),
    )
  }
}

describe.skipIf(POSTGRES === undefined)('engines on Postgres', async () => {
  const server = await PostgresServer.start()
  const opened: { close(): Promise<void> }[] = []
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close()
  })
  afterAll(() => server.remove())

  async function open(lease = 5_000): Promise<Engine> {
    const engine = await Engine.open({
      store: server.url,
      processes: [Add, Parent],
      lease,
      handleSignals: false,
    })
    opened.push(engine)
    return engine
  }

  test('a client of another connection sees what an engine does, and signals it', HAS_MORE, async () => {
    await open()
    const client = await Client.open({ store: server.url })
    opened.push(client)
    const parent = await client.launch(Parent)
    await expect.poll(async () => (await parent.refresh()).label, { timeout: 10_000 }).toBe('waiting')
    await parent.signal('go', 10)
    expect(await parent.outputs.all()).toEqual({ sum: 2 + 3 + 4 + 3 + 10 })
  })

  test('two engines share the work, and each process runs once', HAS_MORE, async () => {
    const [first] = [await open(), await open()]
    const handles = await Promise.all(Array.from({ length: 50 }, (_, a) => first.launch(Add, { a })))
    const sums = await Promise.all(handles.map(async (handle) => (await handle.outputs.all()).sum))
    expect(sums).toEqual(handles.map((_, a) => a + 2))
    for (const handle of handles) {
      const names = (await handle.history()).map(({ name }) => name)
      expect(names.filter((name) => name === 'effect')).toHaveLength(2)
    }
  })

  test('all goes on after every connection was terminated', HAS_MORE, async () => {
    const engine = await open()
    const handles = await Promise.all(Array.from({ length: 20 }, (_, a) => engine.launch(Add, { a })))
    server.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'damson%'",
    )
    const sums = await Promise.all(handles.map(async (handle) => (await handle.outputs.all()).sum))
    expect(sums).toEqual(handles.map((_, a) => a + 2))
  })

  test(
    'all goes on after the server was stopped in the middle of commits, and started again',
    HAS_MORE,
    async () => {
      const engine = await open()
      const handles = await Promise.all(Array.from({ length: 20 }, (_, a) => engine.launch(Add, { a })))
      // The others are amid their steps then.
      await Promise.race(handles.map((handle) => handle.wait()))
      await server.stopImmediately()
      await server.start()
      const sums = await Promise.all(handles.map(async (handle) => (await handle.outputs.all()).sum))
      expect(sums).toEqual(handles.map((_, a) => a + 2))
      for (const handle of handles)
        expect((await handle.history()).filter(({ name }) => name === 'effect')).toHaveLength(2)
    },
  )
})
