// @module-tag more
import { setTimeout as later } from 'node:timers/promises'
import { Client as Connection } from 'pg'
import { afterEach, describe, expect, test } from 'vitest'
import { Client, Engine, Process, type AnyProcessClass, type ProcessSpec } from '../../src/index.ts'
import { defer } from '../../src/process/state/deferred.ts'
import { untilRow } from '../engine/over-stores.ts'
import { HAS_MORE } from '../run/extent.ts'
import { POSTGRES } from './server.ts'
import { newDatabase } from './shared-server.ts'
import { TcpProxy } from './tcp-proxy.ts'

/* An engine whose network fails, on a real server. */

class Add extends Process<typeof Add> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('a', { schema: { type: 'integer' } })
      .signal('go', { schema: { type: 'integer' } })
      .output('sum', { schema: { type: 'integer' } })
  }
  override async run(): Promise<void> {
    const one = await this.effect('one', () => this.inputs.a + 1)
    const other = await this.receive('go')
    this.out('sum', await this.effect('two', () => one + other))
  }
}

const attempts: { gate: Promise<unknown>; count: number } = { gate: Promise.resolve(), count: 0 }

/** Its first attempt waits for the gate. */
class Attempted extends Process<typeof Attempted> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.output('attempt', { schema: { type: 'integer' } })
  }
  override async run(): Promise<void> {
    const attempt = ++attempts.count
    if (attempt === 1) await attempts.gate
    this.out('attempt', attempt)
  }
}

class Transacted extends Process<typeof Transacted> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.output('calls', { schema: { type: 'integer' } })
  }
  override async run(): Promise<void> {
    await this.transaction('nothing', () => attempts.count++)
    this.out('calls', attempts.count)
  }
}

describe.skipIf(POSTGRES === undefined)('behind a network that fails', () => {
  const opened: { close(): Promise<void> }[] = []
  afterEach(async () => {
    for (const one of opened.splice(0).toReversed()) await one.close()
  })

  async function proxied(): Promise<{ readonly direct: string; readonly proxy: TcpProxy }> {
    const direct = await newDatabase()
    const proxy = await TcpProxy.start(direct)
    opened.push(proxy)
    return { direct, proxy }
  }

  async function open(store: string, processes: readonly AnyProcessClass[], lease: number): Promise<Engine> {
    const engine = await Engine.open({ store, processes, lease, handleSignals: false })
    opened.push({ close: () => engine.close({ drain: 0 }) })
    return engine
  }

  /** An engine with a short lease, the first step of which waits for the gate. */
  async function behindProxy() {
    const gate = defer<void>()
    Object.assign(attempts, { gate: gate.promise, count: 0 })
    const { direct, proxy } = await proxied()
    const engine = await open(proxy.url, [Attempted], 1_000)
    return { gate, direct, proxy, engine }
  }

  async function watcherOf(store: string): Promise<Client> {
    const client = await Client.open({ store, create: true })
    opened.push(client)
    return client
  }

  /** Runs statements on the server itself. Resolves to whether there were rows. */
  async function watcherOfServer(store: string): Promise<(text: string) => Promise<boolean>> {
    const connection = new Connection(store)
    await connection.connect()
    opened.push({ close: () => connection.end() })
    return async (text) => (await connection.query(text)).rows.length > 0
  }

  test.each(['cut', 'halfClose'] as const)(
    'all goes on after each connection was broken in the middle of the work (%s)',
    HAS_MORE,
    async (fault) => {
      const { direct, proxy } = await proxied()
      const engine = await open(proxy.url, [Add], 30_000)
      const watcher = await watcherOf(direct)
      const handles = await Promise.all(Array.from({ length: 10 }, (_, a) => engine.launch(Add, { a })))
      for (const { pid } of handles) await untilRow(watcher.store, pid, ({ state }) => state === 'waiting')
      const signals = handles.map(({ pid }) => watcher.handle(pid).signal('go', 1))
      // One has gone on, so others are about to.
      await Promise.race(signals)
      proxy[fault]()
      await Promise.all(signals)
      const sums = await Promise.all(handles.map(({ pid }) => watcher.handle(pid).outputs.all()))
      expect(sums).toEqual(handles.map((_, a) => ({ sum: a + 2 })))
      for (const { pid } of handles)
        expect((await watcher.history(pid)).filter(({ name }) => name === 'effect')).toHaveLength(2)
    },
  )

  test(
    'a statement whose connection hangs without an error is made again over another one',
    { ...HAS_MORE, timeout: 120_000 },
    async () => {
      const { direct, proxy } = await proxied()
      const engine = await open(proxy.url, [Attempted], 60_000)
      Object.assign(attempts, { gate: Promise.resolve(), count: 0 })
      proxy.stallOpen()
      // It would take a quarter of an hour until the system gives up the connections.
      const { pid } = await engine.launch(Attempted, undefined, { key: 'once' })
      const watcher = await watcherOf(direct)
      expect(await watcher.handle(pid).outputs.all()).toEqual({ attempt: 1 })
      expect(await watcher.list()).toMatchObject({ processes: [{ pid }] })
    },
  )

  test(
    'a program that is cut off just before it commits a transaction soon holds no lock on the process',
    { ...HAS_MORE, timeout: 120_000 },
    async () => {
      const { direct, proxy } = await proxied()
      const engine = await open(proxy.url, [Transacted], 60_000)
      Object.assign(attempts, { count: 0 })
      proxy.stallAt('COMMIT')
      const { pid } = await engine.launch(Transacted)
      await expect.poll(() => attempts.count).toBe(1)
      const watcher = await watcherOf(direct)
      // This writes to the process, which waits for the locks on it.
      expect(await watcher.handle(pid).pause('just looking')).toBe(true)
      expect(await watcher.handle(pid).play()).toBe(true)
      // The engine makes the transaction again when it gets no answer. What the first call did was rolled back.
      expect(await watcher.handle(pid).outputs.all()).toEqual({ calls: 2 })
    },
  )

  test(
    'C4, C11: an engine that is cut off for longer than its lease changes nothing when it is back',
    { ...HAS_MORE, timeout: 120_000 },
    async () => {
      const { gate, direct, proxy, engine } = await behindProxy()
      const watcher = await watcherOf(direct)
      const { pid } = await engine.launch(Attempted)
      await expect.poll(() => attempts.count).toBe(1)
      proxy.stall()
      await open(direct, [Attempted], 30_000)
      const handle = watcher.handle(pid)
      expect(await handle.outputs.all()).toEqual({ attempt: 2 })
      const history = await handle.history()
      expect(history.filter(({ name }) => name === 'crashed')).toHaveLength(1)
      gate.resolve()
      proxy.goOn()
      // It does something else then, so what it had to write has been answered.
      const next = await engine.launch(Attempted)
      expect(await watcher.handle(next.pid).outputs.all()).toEqual({ attempt: 3 })
      expect(await handle.history()).toEqual(history)
      expect(await engine.handle(pid).outputs.all()).toEqual({ attempt: 2 })
    },
  )

  test(
    'C11: an engine that others have taken for dead is registered again when it is back, and keeps what it runs then',
    { ...HAS_MORE, timeout: 120_000 },
    async () => {
      const { gate, direct, proxy, engine } = await behindProxy()
      const other = await open(direct, [Attempted], 30_000)
      proxy.stall()
      await expect.poll(async () => (await other.engines()).length, { timeout: 30_000 }).toBe(1)
      proxy.goOn()
      await expect.poll(async () => (await other.engines()).length, { timeout: 30_000 }).toBe(2)
      const { pid } = await engine.launch(Attempted)
      await expect.poll(() => attempts.count).toBe(1)
      // The other engine looks for dead ones each second.
      await later(3_000)
      gate.resolve()
      expect(await other.handle(pid).outputs.all()).toEqual({ attempt: 1 })
      expect((await other.handle(pid).history()).map(({ name }) => name)).not.toContain('crashed')
    },
  )

  test(
    'a connection that ends together with the answer to a statement ends no program',
    HAS_MORE,
    async () => {
      const { direct, proxy } = await proxied()
      const client = await watcherOf(proxy.url)
      const server = await watcherOfServer(direct)
      proxy.cut()
      // The first statement of each connection.
      proxy.holdAnswersAt('pg_is_in_recovery')
      const listed = client.list()
      const ended = (): Promise<boolean> =>
        server(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'idle' AND query LIKE '%pg_is_in_recovery%'`)
      await expect.poll(ended).toBe(true)
      await later(200)
      // Both come at once.
      proxy.goOn()
      expect((await listed).processes).toEqual([])
    },
  )
})
