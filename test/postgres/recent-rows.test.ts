// @module-tag more
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { PostgresStore } from '../../src/persistence/postgres/index.ts'
import {
  advance,
  claim,
  create,
  done,
  engine,
  finish,
  request,
  signal,
  wait,
} from '../persistence/fixtures.ts'
import { HAS_MORE } from '../run/extent.ts'
import { counted } from './counted-database.ts'
import { POSTGRES } from './server.ts'
import { newDatabase } from './shared-server.ts'

describe.skipIf(POSTGRES === undefined)('on Postgres', () => {
  test('what a store creates or an engine has claimed is written without reading it', HAS_MORE, async () => {
    const { url, calls } = await counted()
    const store = await PostgresStore.open(url)
    await store.join(engine('A'))
    await done(store, ...Array.from({ length: 20 }, () => create()))
    let claimed = (await claim(store, 'A', { limit: 20 })).map(({ row, fence }) => ({ ...row, fence }))
    for (let step = 0; step < 3; step++) {
      await done(store, ...claimed.map((one) => advance(one)))
      claimed = claimed.map((one) => ({ ...one, seq: one.seq + 1 }))
    }
    await done(store, ...claimed.map((one) => finish(one)))
    await store.close()
    await vi.waitFor(async () => expect(await calls()).toMatchObject({ apply: 6, load: 1 }), 10_000)
  })

  describe('what another program has written is not overlooked by an engine that remembers the process', () => {
    /** A process that store A has claimed and written last. */
    async function remembered() {
      const url = await newDatabase()
      const store = await PostgresStore.open(url)
      const other = await PostgresStore.open(url)
      onTestFinished(async () => {
        await store.close()
        await other.close()
      })
      await store.join(engine('A'))
      await done(store, create())
      const [claimed] = await claim(store, 'A')
      if (claimed === undefined) throw new Error('nothing was claimed')
      const { row, fence } = claimed
      await done(store, advance({ ...row, fence }))
      return { store, other, held: { ...row, fence, seq: row.seq + 1 } }
    }

    test('C2: a launch of the pid that is about to be used, beside one that is new', HAS_MORE, async () => {
      const { store, other } = await remembered()
      const launch = create()
      await done(other, launch)
      // It would be refused if the pid were free.
      const again = { ...launch, parent: 'gone' }
      expect(await store.commit([create(), again])).toEqual([
        expect.objectContaining({ status: 'done', existed: false }),
        { status: 'done', pid: launch.pid, existed: true },
      ])
    })

    test('C4: a claim after its engine was taken for dead', HAS_MORE, async () => {
      const { store, other, held } = await remembered()
      await other.forget('A')
      await other.join(engine('B'))
      await other.recover()
      expect(await claim(other, 'B')).toHaveLength(1)
      expect(await store.commit([advance(held)])).toEqual([{ status: 'fenced' }])
    })

    test('C5: a kill', HAS_MORE, async () => {
      const { store, other, held } = await remembered()
      await done(other, request(held.pid, 'kill'))
      await store.commit([finish(held)])
      expect((await other.read(held.pid))?.state).not.toBe('finished')
    })

    test('C7: a pause', HAS_MORE, async () => {
      const { store, other, held } = await remembered()
      await done(other, request(held.pid, 'pause'))
      const [outcome] = await store.commit([advance(held)])
      expect(outcome).toMatchObject({ status: 'done', pause: {} })
    })

    test('C8: a signal, for which it waits next', HAS_MORE, async () => {
      const { store, other, held } = await remembered()
      await done(other, signal(held.pid, 'go'))
      await done(store, wait(held, { signal: 'go' }))
      // The clocks of two programs differ by milliseconds.
      await vi.waitFor(async () => {
        const [woken] = await claim(other, 'B', {})
        expect(woken?.wake).toMatchObject({ by: 'signal' })
      }, 10_000)
    })
  })
})
