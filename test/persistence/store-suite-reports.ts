import { beforeEach, describe, expect, test } from 'vitest'
import { LARGEST_LOG } from '../../src/process/state/report.ts'
import type { Store } from '../../src/persistence/contract/store.ts'
import type { StoredReport } from '../../src/persistence/contract/writes.ts'
import { advance, claimOne, commitOne, create, done, finish, Heard, record, running } from './fixtures.ts'
import type { Bench } from './store-bench.ts'

/** A report of these lines and nothing else, unless more is given. */
function report(texts: readonly string[], fields: Partial<StoredReport> = {}): StoredReport {
  const log = texts.map((text) => ({ stream: 'stdout' as const, text: `${text}\n`, at: 5, attempt: 1 }))
  return { log, events: [], progress: undefined, ...fields }
}

const EVENT = { name: 'event', data: '{"name":"loss","at":5,"data":0.5}' }

export function reports(bench: Bench): void {
  describe('reports', () => {
    let store: Store
    beforeEach(() => {
      store = bench.store
    })

    async function texts(pid: string, after?: number): Promise<string[]> {
      return (await store.log(pid, after)).map(({ text }) => text.trimEnd())
    }

    test('the log has what was printed with each kind of write, in order and numbered', async () => {
      const process = await running(store, 'A', { report: report(['created']) })
      await done(
        store,
        record(process, { report: { ...report(['recorded', 'twice']), progress: '{"done":1}' } }),
      )
      await done(store, advance(process, { report: report(['advanced']) }))
      expect((await bench.read(process.pid)).progress).toEqual({ done: 1 })
      await done(
        store,
        finish(
          { ...process, seq: 2 },
          { report: report(['finished'], { progress: '{"done":2,"total":2}' }) },
        ),
      )
      expect(await texts(process.pid)).toEqual(['created', 'recorded', 'twice', 'advanced', 'finished'])
      expect(await texts(process.pid, 2)).toEqual(['twice', 'advanced', 'finished'])
      expect(await texts(process.pid, 5)).toEqual([])
      expect((await store.log(process.pid))[1]).toEqual({
        pid: process.pid,
        n: 2,
        stream: 'stdout',
        text: 'recorded\n',
        at: 5,
        attempt: 1,
      })
      expect((await bench.read(process.pid)).progress).toEqual({ done: 2, total: 2 })
      expect(await store.log('nobody')).toEqual([])
    })

    test('added events are entries of the history, by the engine or the caller', async () => {
      const process = await running(store, 'A', { report: report([], { events: [EVENT] }) })
      await done(store, record(process, { report: report([], { events: [EVENT] }) }))
      await done(store, finish(process, { report: report([], { events: [EVENT] }) }))
      const added = {
        kind: 'event',
        pid: process.pid,
        id: 'one',
        report: { log: [], events: [EVENT], progress: undefined },
        by: 'a client',
      } as const
      await done(store, added, added)
      expect(
        (await store.history(process.pid)).filter(({ name }) => name === 'event').map(({ by }) => by),
      ).toEqual(['A', 'A', 'A', 'a client'])
      expect((await bench.read(process.pid)).state).toBe('finished')
      expect(await bench.status({ ...added, pid: 'nobody' })).toEqual(['missing'])
    })

    test('C4: a repeated write prints once, and a stale owner prints nothing', async () => {
      const process = await running(store, 'B')
      const first = record(process, { report: report(['once']) })
      await done(store, first)
      await done(store, first)
      const next = advance(process, { report: report(['and once']) })
      await done(store, next)
      await done(store, next)
      await bench.crash('B')
      const again = await claimOne(store, 'A')
      const stale = { ...process, seq: 2 }
      const loud = { ...report(['stale']), progress: '{"done":9}', events: [EVENT] }
      expect(await bench.status(record(process, { count: 2, report: loud }))).toEqual(['fenced'])
      expect(await bench.status(finish(stale, { report: loud }))).toEqual(['fenced'])
      await done(store, record(again, { report: report(['new owner']) }))
      expect(await texts(process.pid)).toEqual(['once', 'and once', 'new owner'])
      expect((await bench.read(process.pid)).progress).toBeNull()
      expect((await store.history(process.pid)).some(({ name }) => name === 'event')).toBe(false)
    })

    test('C11: printing is no progress, so that a process that crashes its engine is found', async () => {
      const process = await running(store, 'B')
      await bench.crash('B')
      const again = await claimOne(store, 'A')
      await done(store, record(again, { report: report(['still here']) }))
      expect((await bench.read(process.pid)).crashes).toBe(1)
    })

    test('a full log ends with one notice, and grows no more', async () => {
      const process = await running(store, 'A')
      const big = 'x'.repeat(LARGEST_LOG / 4)
      for (let count = 1; count <= 6; count++)
        await done(store, record(process, { count, report: report([big], { events: [EVENT] }) }))
      const log = await store.log(process.pid)
      expect(log).toHaveLength(5)
      expect(log.reduce((sum, { text }) => sum + text.length, 0)).toBeLessThanOrEqual(LARGEST_LOG + 200)
      expect(log.at(-1)).toMatchObject({ stream: 'stderr' })
      expect(log.at(-1)?.text).toContain('the log is full')
      expect((await store.history(process.pid)).filter(({ name }) => name === 'event')).toHaveLength(4)
      const added = {
        kind: 'event',
        pid: process.pid,
        id: 'one',
        report: { log: [], events: [EVENT], progress: undefined },
        by: 'a client',
      } as const
      await done(store, added)
      expect(await store.log(process.pid)).toHaveLength(5)
      expect((await store.history(process.pid)).filter(({ name }) => name === 'event')).toHaveLength(4)
      // The progress takes the place of the last one, so it has no limit.
      await done(store, record(process, { count: 7, report: report([], { progress: '{"done":7}' }) }))
      expect((await bench.read(process.pid)).progress).toEqual({ done: 7 })
    })

    test('a report is published, with the progress, after the history of its write', async () => {
      const heard = new Heard(store)
      const process = await running(store, 'A')
      await done(store, record(process, { report: { ...report(['line']), progress: '{"done":1}' } }))
      await done(store, finish(process, { report: report(['last']) }))
      await heard.until((changes) => changes.length === 4)
      expect(heard.changes.map(({ name, data }) => [name, data])).toEqual([
        ['created', null],
        ['reported', '{"done":1}'],
        ['finished', null],
        ['reported', '{"done":1}'],
      ])
      expect(heard.changes.at(-1)?.state).toBe('finished')
    })

    test('a long batch is read a page at a time', async () => {
      const process = await running(store, 'A')
      const lines = Array.from({ length: 1_500 }, (_, index) => String(index))
      await done(store, record(process, { report: report(lines) }))
      expect(await texts(process.pid)).toEqual(lines.slice(0, 1_000))
      expect(await texts(process.pid, 1_000)).toEqual(lines.slice(1_000))
    })

    test('a prune deletes the log, and a new process has none, even in the place of the old one', async () => {
      const process = await running(store, 'A')
      await done(store, finish(process, { report: report(['old'], { progress: '{"done":1}' }) }))
      // The answer of a bad network may be lost.
      expect(['done', 'missing']).toContain(
        (await commitOne(store, { kind: 'prune', pid: process.pid })).status,
      )
      expect(await store.log(process.pid)).toEqual([])
      const next = create({ pid: process.pid })
      await done(store, next)
      expect(await store.log(process.pid)).toEqual([])
      expect((await bench.read(process.pid)).progress).toBeNull()
    })

    test('text of any kind comes back as it was', async () => {
      const process = await running(store, 'A')
      const odd = ['a\tb', 'two\nlines', '"quoted" \\', '', '\u0000 and \u2028', '格子定数 🚀']
      await done(store, record(process, { report: report(odd) }))
      expect((await store.log(process.pid)).map(({ text }) => text)).toEqual(odd.map((text) => `${text}\n`))
      expect((await commitOne(store, finish(process))).status).toBe('done')
    })
  })
}
