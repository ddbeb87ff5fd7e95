// @module-tag more
import { setTimeout as later } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { Client, Engine, Process, type ProcessHandle, type ProcessSpec } from '../../src/index.ts'
import { PostgresStore } from '../../src/persistence/postgres/index.ts'
import { defer } from '../../src/process/state/deferred.ts'
import { HAS_MORE } from '../run/extent.ts'
import { POSTGRES, PostgresServer } from './server.ts'
import { TcpProxy } from './tcp-proxy.ts'

/* A replica takes over while engines work: it follows its server synchronously, and has run for longer than a lease. */

const LEASE = 6_000

/** By process and name, how often the function of an effect was called. */
const calls = new Map<string, number>()

class Add extends Process<typeof Add> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('a', { schema: { type: 'integer' } }).output('sum', { schema: { type: 'integer' } })
  }
  override async run(): Promise<void> {
    const one = await this.#count('one', this.inputs.a + 1)
    await this.sleep('pause', 50)
    this.out('sum', await this.#count('two', one + 1))
  }

  #count(name: string, value: number): Promise<number> {
    return this.effect(name, () => {
      const id = `${this.pid} ${name}`
      calls.set(id, (calls.get(id) ?? 0) + 1)
      return value
    })
  }
}

const held = { gate: defer<void>(), attempts: 0 }

/** Its step lasts until the gate is opened. */
class Held extends Process<typeof Held> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.output('attempts', { schema: { type: 'integer' } })
  }
  override async run(): Promise<void> {
    held.attempts++
    await held.gate.promise
    this.out('attempts', held.attempts)
  }
}

describe.skipIf(POSTGRES === undefined)('when a replica takes over', () => {
  const opened: { close(): Promise<void> }[] = []
  afterEach(async () => {
    for (const one of opened.splice(0).toReversed()) await one.close()
  })

  async function servers(): Promise<{ readonly primary: PostgresServer; readonly replica: PostgresServer }> {
    const primary = await PostgresServer.start()
    opened.push({ close: () => primary.remove() })
    const replica = await primary.synchronousReplica()
    opened.push({ close: () => replica.remove() })
    Object.assign(held, { gate: defer<void>(), attempts: 0 })
    return { primary, replica }
  }

  async function proxyOf(server: PostgresServer): Promise<TcpProxy> {
    const proxy = await TcpProxy.start(server.url)
    opened.push(proxy)
    return proxy
  }

  async function open(store: string, lease = LEASE): Promise<Engine> {
    const engine = await Engine.open({ store, processes: [Add, Held], lease, handleSignals: false })
    opened.push({ close: () => engine.close({ drain: 0 }) })
    return engine
  }

  /** When it returns, each lease has ended that the primary knew, and the replica takes writes. */
  async function failOver(primary: PostgresServer, replica: PostgresServer): Promise<void> {
    await primary.stopImmediately()
    await later(LEASE * 1.1)
    replica.promote()
    const isOld = `SELECT now() - pg_postmaster_start_time() > interval '${LEASE} milliseconds'`
    expect(replica.query(isOld)).toBe('t')
  }

  async function names(handle: ProcessHandle): Promise<readonly string[]> {
    return (await handle.history()).map(({ name }) => name)
  }

  test(
    'C11: no engine counts as crashed that lives but could not renew its lease meanwhile',
    { ...HAS_MORE, timeout: 120_000 },
    async () => {
      const { primary, replica } = await servers()
      const proxy = await proxyOf(primary)
      const { pid } = await (await open(proxy.url)).launch(Held)
      await failOver(primary, replica)
      // It looks for dead engines before the other one has found the replica.
      const other = await open(replica.url)
      proxy.leadTo(replica.url)
      // Longer than any lease that was in force.
      await later(LEASE * 1.5)
      expect(await other.engines()).toHaveLength(2)
      held.gate.resolve()
      expect(await other.handle(pid).outputs.all()).toEqual({ attempts: 1 })
      expect(await names(other.handle(pid))).not.toContain('crashed')
    },
  )

  test(
    'C4, C11: an engine that does not find the replica counts as crashed, and changes nothing afterwards',
    { ...HAS_MORE, timeout: 120_000 },
    async () => {
      const { primary, replica } = await servers()
      const proxy = await proxyOf(primary)
      const lost = await open(proxy.url)
      const { pid } = await lost.launch(Held)
      await expect.poll(() => held.attempts).toBe(1)
      await failOver(primary, replica)
      const other = await open(replica.url)
      await expect.poll(() => held.attempts, { timeout: 60_000 }).toBe(2)
      held.gate.resolve()
      expect(await other.handle(pid).outputs.all()).toEqual({ attempts: 2 })
      const history = await other.handle(pid).history()
      expect(history.filter(({ name }) => name === 'crashed')).toHaveLength(1)
      proxy.leadTo(replica.url)
      // What it had to write is answered when the write after it is.
      expect(await (await lost.launch(Add, { a: 1 })).outputs.all()).toEqual({ sum: 3 })
      expect(await other.handle(pid).history()).toEqual(history)
    },
  )

  test(
    'nothing acknowledged is lost, and no effect runs twice, if the replica follows synchronously',
    { ...HAS_MORE, timeout: 120_000 },
    async () => {
      const { primary, replica } = await servers()
      const proxy = await proxyOf(primary)
      const engines = [await open(proxy.url), await open(proxy.url)]
      const client = await Client.open({ store: proxy.url, processes: [Add] })
      opened.push(client)
      const acknowledged: ProcessHandle[] = []
      const over = new AbortController()
      let a = 0
      const launching = [...engines, client].map(async (launcher) => {
        while (!over.signal.aborted) {
          // Without an answer, nothing is known of the launch.
          const handle = await launcher.launch(Add, { a: a++ }).catch(() => undefined)
          if (handle !== undefined) acknowledged.push(handle)
        }
      })
      await expect.poll(() => acknowledged.length, { timeout: 60_000 }).toBeGreaterThan(50)
      await failOver(primary, replica)
      proxy.leadTo(replica.url)
      const before = acknowledged.length
      await expect.poll(() => acknowledged.length, { timeout: 60_000 }).toBeGreaterThan(before + 50)
      over.abort()
      await Promise.all(launching)
      const watcher = await Client.open({ store: replica.url, processes: [Add] })
      opened.push(watcher)
      for (const { pid } of acknowledged) {
        const handle = watcher.handle(pid)
        const { sum } = await handle.outputs.all()
        const inputs = (await handle.inputs()) as { readonly a: number }
        expect(sum).toBe(inputs.a + 2)
        expect(calls.get(`${pid} one`)).toBe(1)
        expect(calls.get(`${pid} two`)).toBe(1)
        const all = await names(handle)
        expect(all.filter((name) => name === 'effect')).toHaveLength(2)
        expect(all).not.toContain('crashed')
      }
    },
  )

  test(
    'a replica is refused as a store, with what to do, until it takes writes',
    { ...HAS_MORE, timeout: 120_000 },
    async () => {
      const { primary, replica } = await servers()
      const proxy = await proxyOf(primary)
      const engine = await open(proxy.url)
      await expect(PostgresStore.open(replica.url)).rejects.toThrow(
        /^the Postgres server is a replica.*or promote this one/,
      )
      await primary.stopImmediately()
      proxy.leadTo(replica.url)
      const launching = engine.launch(Add, { a: 1 })
      await later(1_000)
      replica.promote()
      expect(await (await launching).outputs.all()).toEqual({ sum: 3 })
    },
  )
})
