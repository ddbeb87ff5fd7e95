// @module-tag more
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { Client } from '../../src/index.ts'
import { killStarted, start } from '../crash/programs.ts'
import { HAS_MORE } from '../run/extent.ts'
import { canMakeNetworks, OwnNetwork } from './own-network.ts'
import { POSTGRES } from './server.ts'
import { newDatabase } from './shared-server.ts'
import { TcpProxy } from './tcp-proxy.ts'

/* Two programs with engines, each in a network of its own. */

const LEASE = 2_000

const isLeftOut =
  POSTGRES === undefined || !canMakeNetworks('the test of engines on Postgres in networks of their own')

describe.skipIf(isLeftOut)('engines in networks of their own', () => {
  const opened: { close(): Promise<void> | void }[] = []
  afterEach(async () => {
    await killStarted()
    for (const one of opened.splice(0).toReversed()) await one.close()
  })

  test(
    'C4, C6, C11: one that is cut off for longer than its lease is replaced, and changes nothing when it is back',
    { ...HAS_MORE, timeout: 240_000 },
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'damson-network-'))
      opened.push({ close: () => rm(folder, { recursive: true }) })
      const log = join(folder, 'log')
      const release = join(folder, 'release')
      const direct = await newDatabase()
      const [first, second] = [await networked(1), await networked(2)]
      async function networked(number: number) {
        const network = new OwnNetwork(number)
        opened.push({ close: () => network.remove() })
        const proxy = await TcpProxy.start(direct, network.gateway)
        opened.push(proxy)
        return { network, store: proxy.url }
      }
      function engineIn({ network, store }: typeof first, keys: readonly string[]) {
        const launch = keys.map((key) => ({ class: 'Effects', inputs: { log, release }, key }) as const)
        return start({ store, lease: LEASE, launch, stay: true }, network.within)
      }

      const cutOff = engineIn(first, ['one', 'two', 'three'])
      await cutOff.ready
      const client = await Client.open({ store: direct })
      opened.push(client)
      const pids = (await client.list()).processes.map(({ pid }) => pid)
      expect(pids).toHaveLength(3)
      const historyOf = async (pid: string) => (await client.history(pid)).map(({ name }) => name)
      for (const pid of pids) await expect.poll(() => historyOf(pid), { timeout: 60_000 }).toContain('effect')
      const other = engineIn(second, [])
      await other.ready

      first.network.cut()
      for (const pid of pids)
        await expect.poll(() => historyOf(pid), { timeout: 60_000 }).toContain('crashed')
      // Both continue: one can store nothing.
      writeFileSync(release, '')
      for (const pid of pids) expect(await client.handle(pid).outputs.all()).toEqual({ by: other.pid })
      await expect.poll(() => lines().filter((line) => line === `after ${cutOff.pid}`).length).toBe(3)
      const before = await Promise.all(pids.map((pid) => client.history(pid)))

      first.network.join()
      await expect.poll(async () => (await client.engines()).length, { timeout: 120_000 }).toBe(2)
      other.kill('SIGKILL')
      await other.ended
      // What the engine had to write is answered before it takes anything else.
      const next = await client.launch('Effects', { log, release })
      expect(await next.outputs.all()).toEqual({ by: cutOff.pid })
      expect(await Promise.all(pids.map((pid) => client.history(pid)))).toEqual(before)
      for (const history of before) {
        const names = history.map(({ name }) => name)
        expect(names.filter((name) => name === 'effect')).toHaveLength(2)
        expect(names.filter((name) => name === 'crashed')).toHaveLength(1)
      }
      // An effect that was recorded is not called again.
      expect(lines().filter((line) => line === `before ${other.pid}`)).toEqual([])

      function lines(): readonly string[] {
        return existsSync(log) ? readFileSync(log, 'utf8').split('\n') : []
      }
    },
  )
})
