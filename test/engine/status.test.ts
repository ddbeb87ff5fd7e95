import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Client, Process, type ProcessSpec } from '../../src/index.ts'
import { SqliteStore } from '../../src/persistence/sqlite/index.ts'
import { claimOne, create, done, engine, finish, request, running } from '../persistence/fixtures.ts'
import { overEachStore, untilRow } from './over-stores.ts'

/** Throws until its attempts are used up, and is then paused. */
class Tired extends Process<typeof Tired> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.retry(Tired.prototype.run, { attempts: 1, whenExhausted: 'pause' })
  }
  override run(): void {
    throw new Error('no memory')
  }
}

/** Throws what is no error. */
class Odd extends Process {
  override run(): void {
    const noError: unknown = { code: 7 }
    throw noError
  }
}

overEachStore((over) => {
  describe('the status of a store', () => {
    it('is that of no processes and engines, which need no attention', async () => {
      const status = await (await over().client()).status()
      expect(status).toMatchObject({ classes: [], engines: [], attention: [], states: { created: 0 } })
    })

    it('has the processes of each class, the engines, and what does not go on by itself', async () => {
      const { store } = over()
      const running = await over().engine([Odd, Tired], { concurrency: 7 })
      const tired = await running.launch(Tired)
      await untilRow(store, tired.pid, ({ paused }) => paused !== null)
      const odd = await running.launch(Odd)
      await odd.wait()
      const unknown = await running.launch('Unknown')
      const deliberate = await running.launch('Unknown')
      await deliberate.pause('lunch')
      const status = await running.status()
      expect(status.states).toMatchObject({ created: 2, running: 1, excepted: 1 })
      const none = {
        ready: 0,
        running: 0,
        waiting: 0,
        paused: 0,
        parked: 0,
        succeeded: 0,
        killed: 0,
        failed: 0,
      }
      expect(status.classes).toEqual([
        { name: 'Odd', ...none, failed: 1 },
        { name: 'Tired', ...none, paused: 1 },
        { name: 'Unknown', ...none, ready: 1, paused: 1 },
      ])
      expect(status.engines).toEqual([
        expect.objectContaining({
          id: running.id,
          alive: true,
          used: 0,
          concurrency: 7,
          classes: ['Odd', 'Tired'],
          osPid: process.pid,
        }),
      ])
      expect(status.attention).toEqual([
        { kind: 'no engine', name: 'Unknown', count: 1, pid: null, reason: null },
        {
          kind: 'gave up',
          name: 'Tired',
          count: 1,
          pid: tired.pid,
          reason: expect.stringMatching(/^run failed 1 of 1 times \(no memory\)/),
        },
        { kind: 'failed', name: 'Odd', count: 1, pid: odd.pid, reason: '{"code":7}' },
      ])
      expect(unknown.state.label).toBe('created')
      expect(await tired.explain()).toMatch(
        /has been paused in step run [^]* repair the cause, then `damson play \S+`\. To change one of its values first, use `damson edit`/,
      )
    })

    it('reports a failure until it is superseded, and then that of the newest process', async () => {
      const running = await over().engine([Odd])
      const odd = await running.launch(Odd)
      await odd.wait()
      const failed = async () => (await running.status()).attention.map(({ count, pid }) => ({ count, pid }))
      expect(await failed()).toEqual([{ count: 1, pid: odd.pid }])
      const again = await running.restart(odd.pid)
      await again.wait()
      expect(await failed()).toEqual([{ count: 1, pid: again.pid }])
      const { successors } = await running.inspect(odd.pid)
      expect(successors).toMatchObject([{ pid: again.pid, kind: 'restart', state: { label: 'excepted' } }])
      expect((await running.inspect(again.pid)).successors).toEqual([])
      expect(await running.explain(odd.pid)).toContain(
        `it was restarted as Odd ${again.pid}, which is excepted`,
      )
      expect(await running.explain(again.pid)).toContain(`damson retry ${again.pid}`)
    })

    it('reports an engine whose slots are taken for long, and what waiting processes wait for', async () => {
      const { store, clock } = over()
      await store.join(engine('A', { concurrency: 2 }))
      const longest = await running(store, 'A')
      await clock.advance('20m')
      await running(store, 'A')
      const ready = create()
      await done(store, ready, create({ readyAt: clock.now() + 7_200_000 }))
      const client = await over().client()
      expect((await client.status()).attention).toEqual([])
      await clock.advance('1m')
      const status = await client.status()
      expect(status.attention).toEqual([
        {
          kind: 'engine full',
          name: 'Bake',
          count: 1,
          pid: longest.pid,
          reason: `the longest is in Bake ${longest.pid}, for 21 min`,
          engine: 'A',
        },
      ])
      expect(status.waits).toEqual([{ for: 'start', name: null, count: 1 }])
      expect(await client.explain(ready.pid)).toContain(
        `engine A has 2 of 2 slots taken, longest by Bake ${longest.pid}, for 21 min`,
      )
      expect(await client.explain(longest.pid)).toMatch(
        /nothing was recorded since its step began at \S+\. If it hangs, `damson kill \S+` ends it/,
      )
    })

    it('reports what has given up behind any number of processes that someone has paused', async () => {
      const running = await over().engine([Tired])
      const { store, clock } = over()
      const tired = await running.launch(Tired)
      await untilRow(store, tired.pid, ({ paused }) => paused !== null)
      const later = { className: 'Unknown', createdAt: clock.now() }
      await done(store, ...Array.from({ length: 1_001 }, () => create(later)))
      await running.pauseAll({ state: 'created' }, 'lunch')
      expect((await running.status()).attention).toEqual([
        expect.objectContaining({ kind: 'gave up', name: 'Tired', count: 1, pid: tired.pid }),
      ])
    })

    it('reports overdue kills and parked processes, and failures for a day', async () => {
      const { store, clock } = over()
      await store.join(engine('A'))
      const [parked, killing, failed] = [
        await running(store, 'A'),
        await running(store, 'A'),
        await running(store, 'A'),
      ]
      const ending = { successful: false, exitCode: null, message: 'no memory', dropCheckpoint: false }
      await done(
        store,
        { kind: 'park', pid: parked.pid, fence: parked.fence, reason: 'damaged' },
        request(killing.pid, 'kill', { grace: 500 }),
        finish(failed, { state: 'excepted', ending }),
      )
      const client = await over().client()
      await clock.advance(1_000)
      expect((await client.status()).attention).toEqual([
        { kind: 'kill overdue', name: null, count: 1, pid: null, reason: null },
        { kind: 'parked', name: 'Bake', count: 1, pid: parked.pid, reason: 'damaged' },
        { kind: 'failed', name: 'Bake', count: 1, pid: failed.pid, reason: 'no memory' },
      ])
      await clock.advance('1d')
      expect((await client.status()).attention.map(({ kind }) => kind)).not.toContain('failed')
    })
  })
})

it('the status reports an engine that has died, and what it still holds', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'damson-status-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, 'test.db')
  const first = await SqliteStore.open(path)
  await first.join(engine('A'))
  await done(first, create())
  await claimOne(first, 'A')
  await first.close()
  await using client = await Client.open({ store: path })
  const status = await client.status()
  expect(status.engines).toMatchObject([{ id: 'A', alive: false, used: 1 }])
  expect(status.attention).toEqual([
    { kind: 'engine died', name: null, count: 1, pid: null, reason: null, engine: 'A' },
  ])
})
