// @module-tag more
import { setTimeout as later } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { Client, Engine, Process, type ProcessSpec } from '../../src/index.ts'
import { PostgresStore } from '../../src/persistence/postgres/index.ts'
import { HAS_MORE } from '../run/extent.ts'
import { POSTGRES, PostgresServer } from './server.ts'
import { TcpProxy } from './tcp-proxy.ts'

/* A program retains a result while the server is away for longer than its session counts as open. */

const LEASE = 4_000
const NOWHERE = 'postgres://127.0.0.1:1/'

class Give extends Process<typeof Give> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.output('given', { schema: { type: 'integer' } })
  }
  override run() {
    this.out('given', 1)
  }
}

describe.skipIf(POSTGRES === undefined)('the results that a program retains', () => {
  const opened: { close(): Promise<void> }[] = []
  afterEach(async () => {
    for (const one of opened.splice(0).toReversed()) await one.close()
  })

  test(
    'stay when the server was away for longer than a session lasts, and go when the program stays away',
    { ...HAS_MORE, timeout: 60_000 },
    async () => {
      const server = await PostgresServer.start()
      opened.push({ close: () => server.remove() })
      const proxy = await TcpProxy.start(server.url)
      opened.push(proxy)
      const store = await PostgresStore.open(proxy.url)
      opened.push(store)
      store.sessionLease = LEASE
      const client = await Client.open({ store })
      opened.push({ close: () => client.close().catch(() => {}) })
      const engine = await Engine.open({
        store: server.url,
        processes: [Give],
        lease: LEASE,
        handleSignals: false,
      })
      opened.push({ close: () => engine.close({ drain: 0 }) })
      const handle = await client.launch('Give', {}, { retention: 'refs' })
      await handle.wait()
      const dropped = async (): Promise<boolean> => {
        await engine.store.dueResults(100).catch(() => {})
        return (await engine.inspect(handle.pid)).dropped !== null
      }

      await server.stopImmediately()
      proxy.leadTo(NOWHERE)
      await later(LEASE * 1.3)
      await server.start()
      // An engine looks for programs that have died before this one reaches the server again.
      const looks = Date.now() + LEASE / 4
      while (Date.now() < looks) {
        expect(await dropped()).toBe(false)
        await later(50)
      }
      proxy.leadTo(server.url)
      await later(LEASE)
      expect(await dropped()).toBe(false)
      expect(await client.handle(handle.pid).outputs.all()).toEqual({ given: 1 })

      proxy.leadTo(NOWHERE)
      await expect.poll(dropped, { timeout: 30_000, interval: 100 }).toBe(true)
      expect(server.query('SELECT count(*) FROM damson.session')).toBe('0')
      proxy.leadTo(server.url)
    },
  )
})
