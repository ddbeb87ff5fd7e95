import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Client } from '../../src/index.ts'
import { killStarted, start, withClientOf } from './programs.ts'
import type { EngineProgram } from '../programs/engine-program.ts'
import { crashesAt } from '../run/commits.ts'
import { extent, HAS_MORE } from '../run/extent.ts'

/*
 * Real programs and real SIGKILL, with signals, timers, effects, retries and children. Nothing here depends on how fast anything is.
 */

let folder: string
let store: string
let log: string

beforeEach(begin)
afterEach(async () => {
  await killStarted()
  await rm(folder, { recursive: true, force: true })
})

async function begin(): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'damson-crash-'))
  store = join(folder, 'crash.db')
  log = join(folder, 'steps.log')
}

function withClient<T>(use: (client: Client) => Promise<T>): Promise<T> {
  return withClientOf(store, use)
}

/** How often each thing was done outside. */
function done(): Map<string, number> {
  const counts = new Map<string, number>()
  if (!existsSync(log)) return counts
  for (const line of readFileSync(log, 'utf8').split('\n').filter(Boolean))
    counts.set(line, (counts.get(line) ?? 0) + 1)
  return counts
}

const PAID = ['pays /1/reserve', 'pays /1/charge', 'pays /10/ship', 'pays /16/timer']

test(
  'C6, C8, C11: an order is killed at every third commit, before or after it, and goes on by itself to the same end',
  { ...HAS_MORE, timeout: 240_000 },
  async () => {
    const order = (): EngineProgram => ({
      store,
      launch: [{ class: 'Order', inputs: { log }, key: 'order' }],
      signal: [{ key: 'order', name: 'approval', value: 'yes' }],
    })
    let crashes = 0
    for (let third = 1; ; third++) {
      if (!crashesAt(third, 'order')) continue
      const commit = 3 * third - 2
      const when = commit % 2 === 0 ? 'before' : 'after'
      const program = start({ ...order(), crash: { commit, when } })
      const { signal, code } = await program.ended
      expect([commit, code, program.stderr()]).toEqual([commit, signal === null ? 0 : null, ''])
      const last = signal === null ? program : start(order())
      expect([commit, await last.ended, last.stderr()]).toEqual([commit, { code: 0, signal: null }, ''])
      await withClient(async (client) => {
        const { processes } = await client.list()
        expect(processes.map(({ name }) => name).toSorted()).toEqual(['Order', 'Sum', 'Sum', 'Sum', 'Sum'])
        const handle = client.handle(processes.find(({ name }) => name === 'Order')?.pid as string)
        const { summary } = (await handle.outputs.all()) as { summary: unknown }
        expect(summary).toEqual(['yes', [1, 2, 1, 2].map((seen) => ({ sum: (seen * (seen + 1)) / 2, seen }))])
        const history = (await handle.history()).map(({ name }) => name)
        for (const once of ['created', 'signalled', 'received', 'finished'])
          expect([commit, once, history.filter((name) => name === once)]).toEqual([commit, once, [once]])
        // A crash spends no retry.
        expect(history.filter((name) => name === 'failed')).toHaveLength(2)
      })
      const paid = [...done()].filter(([line]) => line.startsWith('pays'))
      expect(paid.map(([line]) => line).toSorted()).toEqual(PAID.toSorted())
      // Twice at most, where the crash came between the payment and its record.
      expect(paid.filter(([, times]) => times > 1).length).toBeLessThanOrEqual(1)
      if (signal === null) break
      crashes++
      await rm(folder, { recursive: true })
      await begin()
    }
    expect(crashes).toBeGreaterThan(extent === 'all' ? 5 : 0)
  },
)

test(
  'USERS 1, 12, 13: after the last engine was killed, what waits is signalled, paused and killed from the file alone',
  { timeout: 240_000 },
  async () => {
    const launch = ['signalled', 'paused', 'killed'].map((key) => ({
      class: 'Invoice' as const,
      inputs: { log },
      key,
    }))
    const program = start({ store, launch, stay: true })
    await program.ready
    await withClient(async (client) => {
      const pids = await Promise.all(
        (await client.list()).processes.map(async ({ pid }) => [(await client.store.read(pid))?.key, pid]),
      )
      const of = (key: string) => client.handle(pids.find(([own]) => own === key)?.[1] as string)
      // The rows show the waits before the engine gives its claims back. A kill in between is a crash
      // of steps, which run again.
      await until(client, async () => {
        const { rows } = await client.store.list({ state: 'waiting' })
        return rows.filter(({ owner }) => owner === null).length === 3
      })
      program.kill('SIGKILL')
      await program.ended
      await of('signalled').signal('sent', 'at last')
      expect(await of('paused').pause('a while')).toBe(true)
      await of('paused').signal('sent', 'kept')
      expect(await of('killed').kill('no more')).toBe(true)
      expect(await of('killed').wait()).toMatchObject({ label: 'killed', message: 'no more' })
      const next = start({ store, stay: true })
      await next.ready
      expect(await of('signalled').result()).toBe('at last')
      expect(await of('paused').refresh()).toMatchObject({ label: 'waiting', paused: true })
      expect(await of('paused').play()).toBe(true)
      expect(await of('paused').result()).toBe('kept')
      expect([...done().values()]).toEqual([1, 1, 1])
    })
  },
)

/** Waits until it is so, by the changes that the store reports. */
async function until(client: Client, isSo: () => Promise<boolean>): Promise<void> {
  let stop: (() => void) | undefined
  await new Promise<void>((resolve, reject) => {
    const look = (): void => void isSo().then((so) => (so ? resolve() : undefined), reject)
    stop = client.store.watch(look)
    look()
  })
  stop?.()
}
