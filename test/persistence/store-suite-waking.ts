import { beforeEach, describe, expect, test } from 'vitest'
import type { Store } from '../../src/persistence/contract/store.ts'
import { advance, claim, claimOne, done, historyNames, resume, running, waiting } from './fixtures.ts'
import type { Bench } from './store-bench.ts'

export function waking(bench: Bench): void {
  describe('waking', () => {
    let store: Store
    beforeEach(() => {
      store = bench.store
    })

    test.each(['before', 'during', 'after'] as const)(
      'a resume that comes %s the wait wakes it, and is used up once (C8)',
      async (when) => {
        const process = await running(store, 'A')
        const write = resume(process.pid, { value: '"warm"' })
        const wait = advance(process, { state: 'waiting' })
        if (when === 'before') await done(store, write, wait)
        else if (when === 'during') await done(store, wait, write)
        else {
          await done(store, wait)
          await done(store, write)
        }
        const woken = await claimOne(store, 'A')
        expect(woken.wake).toMatchObject({ by: 'resume', value: '"warm"' })
        await done(store, advance(woken, { consumes: woken.wake?.id ?? null }))
        await done(store, advance({ ...woken, seq: woken.seq + 1 }, { state: 'waiting' }))
        expect(await claim(store, 'A')).toEqual([])
        expect(await historyNames(store, process.pid)).toContain('resumed')
      },
    )

    test('wake-ups are kept in order, and one is used up by each wait (C8)', async () => {
      const process = await waiting(store, 'A')
      await done(store, resume(process.pid, { value: '1' }), resume(process.pid, { value: '2' }))
      const values: unknown[] = []
      for (let left = 2; left > 0; left--) {
        const woken = await claimOne(store, 'A')
        values.push(woken.wake?.value)
        await done(store, advance(woken, { state: 'waiting', consumes: woken.wake?.id ?? null }))
      }
      expect(values).toEqual(['1', '2'])
      expect(await claim(store, 'A')).toEqual([])
    })

    test.each([
      ['wait', 'waiting'],
      ['step', 'running'],
    ] as const)(
      'the same resume twice is kept once, also when a %s used it up in between (C8)',
      async (_, state) => {
        const process = await waiting(store, 'A')
        const write = resume(process.pid)
        await done(store, write, write)
        const woken = await claimOne(store, 'A')
        await done(store, advance(woken, { state, consumes: woken.wake?.id ?? null }))
        await done(store, write)
        if (state === 'running')
          await done(store, advance({ ...woken, seq: woken.seq + 1 }, { state: 'waiting' }))
        expect(await claim(store, 'A')).toEqual([])
        expect((await historyNames(store, process.pid)).filter((entry) => entry === 'resumed')).toHaveLength(
          1,
        )
      },
    )

    test('a wake-up outlives a claim that did not use it', async () => {
      const process = await waiting(store, 'A')
      await done(store, resume(process.pid))
      const first = await claimOne(store, 'A')
      await done(store, { kind: 'release', pid: process.pid, fence: first.fence })
      expect((await claimOne(store, 'A')).wake).toEqual(first.wake)
    })
  })
}
