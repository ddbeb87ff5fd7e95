import { describe, expect, test } from 'vitest'
import {
  type Client,
  Process,
  type ProcessHandle,
  ProcessKilled,
  type ProcessSpec,
  type Store,
  UpstreamFailed,
} from '../../src/index.ts'
import { defer } from '../../src/process/state/deferred.ts'
import { register, replaced } from '../contracts/stores.ts'
import { historyOf, overEachStore, untilRow } from './over-stores.ts'
import { Failing, Gated } from './processes.ts'

/** Returns its input. */
class Takes extends Process<typeof Takes> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('given', {}).returns({})
  }
  override run(): unknown {
    ran.push(this.pid)
    return this.inputs.given
  }
}
const ran: string[] = []

/** Gives a value. */
class Gives extends Process<typeof Gives> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.returns({ schema: { type: 'number' } })
  }
  override run(): number {
    return 7
  }
}

const CLASSES = [Takes, Gives, Gated, Failing]

/** A store whose answers with the values of others are held back. */
function holding(store: Store) {
  const reached = defer<void>()
  const released = defer<void>()
  const held = replaced(store, {
    loadAll: async (pids) => {
      const loaded = await store.loadAll(pids)
      reached.resolve()
      await released.promise
      return loaded
    },
  })
  return { store: held, reached: reached.promise, release: () => released.resolve() }
}

overEachStore((over) => {
  /** An engine with one slot, in the middle of reading the values of a process. */
  async function gathering() {
    const client = await over().client(CLASSES)
    const first = await over().engine(CLASSES)
    const upstream = await client.launch(Gives)
    await upstream.wait()
    await first.close()
    const { store, reached, release } = holding(over().store)
    const taking = await client.launch(Takes, { given: upstream })
    const engine = await over().engine(CLASSES, { store, concurrency: 1 })
    await reached
    return { client, engine, taking, release }
  }

  /** Proves that the only slot of the engine is free. */
  async function expectSlot({ client }: Awaited<ReturnType<typeof gathering>>): Promise<void> {
    expect(await (await client.launch(Gives)).result({ timeout: '1m' })).toBe(7)
  }

  describe('while the values of a process are being read', () => {
    test.each([false, true])('C5, C7: it is killed, by force: %s', async (force) => {
      const all = await gathering()
      const { taking, release } = all
      const killing = taking.kill('no more', { force })
      await untilRow(over().store, taking.pid, (row) => row.endedAt !== null || row.killRequested !== null)
      release()
      expect(await killing).toBe(true)
      await expect(taking.result()).rejects.toThrow(ProcessKilled)
      expect(ran).not.toContain(taking.pid)
      await expectSlot(all)
    })

    test('C7: it is paused, and does not start before it is played', async () => {
      const all = await gathering()
      const { taking, release } = all
      const pausing = taking.pause('not yet')
      await untilRow(over().store, taking.pid, (row) => row.paused !== null || row.pauseRequested !== null)
      release()
      expect(await pausing).toBe(true)
      await untilRow(over().store, taking.pid, ({ owner, paused }) => owner === null && paused !== null)
      expect(ran).not.toContain(taking.pid)
      await expectSlot(all)
      await taking.play()
      expect(await taking.result()).toBe(7)
    })

    test('C7: it is paused and played', async () => {
      const all = await gathering()
      const { taking, release } = all
      const pausing = taking.pause('not yet')
      await untilRow(over().store, taking.pid, (row) => row.paused !== null || row.pauseRequested !== null)
      await taking.play()
      release()
      expect(await taking.result()).toBe(7)
      await pausing
      expect(ran.filter((pid) => pid === taking.pid)).toHaveLength(1)
      await expectSlot(all)
    })

    test.each([0, 60_000])('C12: the engine closes, and drains for %d ms', async (drain) => {
      const { client, engine, taking, release } = await gathering()
      const closing = engine.close({ drain })
      release()
      await closing
      const history = await historyOf(client, taking.pid)
      expect(history).not.toContain('crashed')
      const row = await over().store.read(taking.pid)
      expect(row).toMatchObject({ owner: null, crashes: 0 })
      expect(['created', 'finished']).toContain(row?.state)
      await over().engine(CLASSES)
      expect(await taking.result()).toBe(7)
      expect(ran.filter((pid) => pid === taking.pid)).toHaveLength(1)
    })

    test('C4: the engine loses the claim, and starts nothing', async () => {
      const all = await gathering()
      const { client, taking, release } = all
      const { store } = over()
      const [owner] = await client.engines()
      // Another engine takes the process over, as it does once the lease of this one is over.
      await store.commit([{ kind: 'release', pid: taking.pid, fence: 1, owner: owner?.id }])
      await register(store, 'other')
      const [claimed] = await store.claim({
        engine: 'other',
        classes: [{ name: 'Takes', version: 1 }],
        limit: 1,
        suspects: false,
      })
      expect(claimed?.row.pid).toBe(taking.pid)
      release()
      await expectSlot(all)
      expect(ran).not.toContain(taking.pid)
      expect(await store.read(taking.pid)).toMatchObject({ owner: 'other', seq: 0 })
      await store.commit([{ kind: 'release', pid: taking.pid, fence: 2, owner: 'other' }])
      expect(await taking.result()).toBe(7)
    })
  })

  /** A process whose upstream has failed, and whose engine is held up as it reads that. */
  async function excepting(): Promise<{
    readonly client: Client
    readonly taking: ProcessHandle
    readonly release: () => void
  }> {
    const client = await over().client(CLASSES)
    const first = await over().engine(CLASSES)
    const upstream = await client.launch(Failing)
    await upstream.wait()
    await first.close()
    const { store, reached, release } = holding(over().store)
    const taking = await client.launch(Takes, { given: upstream })
    await over().engine(CLASSES, { store, concurrency: 1 })
    await reached
    return { client, taking, release }
  }

  test('C5: a kill that comes while it is excepted because of its upstream is carried out', async () => {
    const { client, taking, release } = await excepting()
    const killing = taking.kill('no more')
    await untilRow(over().store, taking.pid, ({ killRequested }) => killRequested !== null)
    release()
    expect(await killing).toBe(true)
    expect(await taking.wait()).toMatchObject({ label: 'killed' })
    expect(await (await client.launch(Gives)).result()).toBe(7)
  })

  test('C7: a pause that comes while it is excepted because of its upstream does not stop that', async () => {
    const { client, taking, release } = await excepting()
    const pausing = taking.pause('no more')
    await untilRow(over().store, taking.pid, ({ pauseRequested }) => pauseRequested !== null)
    release()
    await pausing
    await taking.play()
    await expect(taking.result()).rejects.toThrow(UpstreamFailed)
    expect(await (await client.launch(Gives)).result()).toBe(7)
  })
})
