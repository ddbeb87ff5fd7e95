import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { SqliteStore } from '../../../src/persistence/sqlite/index.ts'
import { SimulatedClock } from '../../../src/testing/index.ts'
import { HAS_MORE, share } from '../../run/extent.ts'
import {
  advance,
  BAKE,
  claim,
  claimOne,
  create,
  done,
  engine,
  finish,
  held,
  record,
  request,
  resume,
  running,
  signal,
  wait,
  waitFor,
  waitingFor,
  waitInStep,
} from '../fixtures.ts'

const folder = mkdtempSync(join(tmpdir(), 'damson-plans-'))
const path = join(folder, 'store.db')
const ran: string[] = []
let store: SqliteStore
let reader: Database.Database

beforeAll(async () => {
  store = await SqliteStore.open(path, { trace: (sql) => ran.push(sql) })
  reader = new Database(path, { readonly: true })
  reader.function('fold', (text: unknown) => text)
})
afterAll(async () => {
  reader.close()
  await store.close()
  rmSync(folder, { recursive: true })
})

/** The statements that an action runs. */
async function statements(action: () => Promise<unknown>): Promise<string[]> {
  ran.length = 0
  await action()
  return [...ran]
}

function planOf(sql: string): string {
  const steps = reader.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { readonly detail: string }[]
  return steps.map(({ detail }) => detail).join('; ')
}

/** No statement reads the processes, their parts or their history from end to end, or sorts them. */
function expectIndexed(sqls: readonly string[]): void {
  const queries = sqls.filter((sql) => /^\s*(SELECT|UPDATE|DELETE|INSERT)/i.test(sql))
  expect(queries.length).toBeGreaterThan(0)
  for (const sql of queries) {
    const plan = `${planOf(sql)} of ${sql}`
    expect(plan).not.toMatch(
      /SCAN (process|part|history|feed|author|message|p|awaits|need)\b(?! USING (COVERING )?INDEX)/,
    )
    expect(plan).not.toMatch(/TEMP B-TREE/)
  }
}

test('claiming goes by the index of what is ready, class by class and version by version (C9)', async () => {
  await store.join(engine('A'))
  await done(store, create())
  const sqls = await statements(async () => expect(await claim(store, 'A')).toHaveLength(1))
  expectIndexed(sqls)
  expect(planOf(sqls.find((sql) => sql.startsWith('SELECT version')) as string)).toContain('process_ready')
  expect(planOf(sqls.find((sql) => sql.startsWith('SELECT id, pid, ready_at')) as string)).toContain(
    'process_ready',
  )
})

test('what asks for a label that the engine does not have is not looked at, however much of it there is', async () => {
  const looks = async (labels?: readonly string[]) =>
    (await statements(() => store.claim({ engine: 'A', classes: BAKE, labels, limit: 10, suspects: false })))
      .filter((sql) => sql.startsWith('SELECT'))
      // The time is another one.
      .map((sql) => sql.replace(/ready_at <= [\d.]+/, 'ready_at <= 0'))
  await done(store, create({ worker: 'gpu' }))
  const one = await looks()
  await done(store, ...Array.from({ length: 200 }, () => create({ worker: 'gpu' })))
  expect(await looks()).toEqual(one)
  const found = await statements(() => store.recover({ classes: BAKE, labels: ['tpu'] }))
  expectIndexed(found)
  const [candidates] = one.filter((sql) => sql.startsWith('SELECT id, pid, ready_at'))
  expect(planOf(candidates as string)).toContain(
    'USING INDEX process_ready (class=? AND version=? AND worker=? AND ready_at>? AND ready_at<?)',
  )
  // One more look for each label of the engine.
  const areCandidates = (sql: string): boolean => sql.startsWith('SELECT id, pid, ready_at')
  const ofTwo = await looks(['tpu', 'fpga'])
  expect(ofTwo.filter(areCandidates)).toHaveLength(one.filter(areCandidates).length * 3)
  while ((await claim(store, 'A', { labels: ['gpu'], limit: 100 })).length > 0);
})

test('a claim does not wait for the disk, and what is written under it does (C3)', async () => {
  await done(store, create())
  let claimed: Awaited<ReturnType<typeof claim>> = []
  const sqls = await statements(async () => (claimed = await claim(store, 'A')))
  const written = sqls.slice(sqls.indexOf('PRAGMA synchronous = NORMAL'))
  expect([written[0], written[1], ...written.slice(-2)]).toEqual([
    'PRAGMA synchronous = NORMAL',
    'BEGIN IMMEDIATE',
    'COMMIT',
    'PRAGMA synchronous = FULL',
  ])
  const [process] = claimed.map(held)
  if (process === undefined) throw new Error('nothing was claimed')
  expect(await statements(() => done(store, advance(process)))).not.toContainEqual(
    expect.stringContaining('synchronous'),
  )
  await done(store, finish({ ...process, seq: process.seq + 1 }))
})

test('recovery goes by the indexes of owners and deadlines (C11)', async () => {
  const sqls = await statements(() => store.recover())
  expectIndexed(sqls)
  expect(sqls.map(planOf).join()).toContain('process_owner')
  expect(sqls.map(planOf).join()).toContain('process_deadline')
})

test('a page of several states of a class is one query, since each would read the whole class', async () => {
  const states = ['finished', 'excepted', 'killed'] as const
  const sqls = await statements(() => store.list({ className: 'Bake', state: states }))
  expect(sqls.filter((sql) => sql.includes('FROM process'))).toHaveLength(1)
})

test.each([
  ['everything', {}, 'process_created'],
  ['a state', { state: 'waiting' }, 'process_state'],
  ['several states', { state: ['waiting', 'running'] }, 'process_state'],
  ['a class', { className: 'Bake' }, 'process_class'],
  ['several states of a class', { className: 'Bake', state: ['finished', 'killed'] }, 'process_class'],
  ['a key', { key: 'x' }, 'process_key'],
  ['a label', { label: 'x' }, 'process_label'],
  ['a parent', { parent: 'x' }, 'process_parent'],
  ['what is paused', { paused: true }, 'process_paused'],
  ['a later page', { after: '5:1' }, 'process_created'],
] as const)('listing %s goes by an index, and sorts nothing', async (_, filter, index) => {
  const sqls = await statements(() => store.list(filter))
  expectIndexed(sqls)
  expect(
    sqls
      .filter((sql) => sql.startsWith('SELECT'))
      .map(planOf)
      .join(),
  ).toContain(index)
})

test.each([
  ['what is parked', { parked: true }, 'process_parked'],
  ['what failed', { successful: false }, 'process_failed'],
  ['what has given up', { gaveUp: true }, 'process_paused'],
  ['what is paused of some states', { paused: true, state: ['created', 'waiting'] }, 'process_paused'],
] as const)('listing %s goes by an index of nothing else, and sorts nothing', async (_, filter, index) => {
  const sqls = await statements(() => store.list(filter))
  expectIndexed(sqls)
  expect(sqls.map(planOf).join()).toContain(`USING INDEX ${index}`)
})

test.each([
  ['what is to be killed', { requested: 'kill' }, ['process_deadline']],
  ['what is to be paused', { requested: 'pause' }, ['process_owner']],
  ['what is ready', { ready: true }, ['process_ready', 'process_suspect']],
] as const)('listing %s reads nothing else', async (_, filter, indexes) => {
  const state = ['created', 'running', 'waiting'] as const
  const sqls = await statements(() => store.list({ ...filter, state }))
  const plans = sqls.filter((sql) => sql.startsWith('SELECT')).map(planOf)
  expect(plans).toHaveLength(indexes.length)
  for (const [at, index] of indexes.entries()) expect(plans[at]).toContain(`USING INDEX ${index}`)
})

test('a survey reads no row of what has ended', async () => {
  const plans = (await statements(() => store.survey(0)))
    .filter((sql) => sql.startsWith('SELECT'))
    .map(planOf)
  expect(plans.map((plan) => / (\w*INDEX process_\w+)/.exec(plan)?.[1] ?? plan)).toEqual([
    'INDEX process_class',
    'INDEX process_state',
    'INDEX process_failure',
    'INDEX process_origin',
    'INDEX process_owner',
    'INDEX process_deadline',
  ])
  expect(plans[0]).toContain('COVERING')
  expect(plans[2]).toContain('COVERING')
  expect(plans[3]).not.toContain('SCAN process ')
  expect(plans[3]).not.toContain('SCAN p ')
})

test('looking up pids by a beginning is a range of an index, and by an ending reads no row', async () => {
  const beginnings = await statements(() => store.pids({ beginnings: ['a', 'b'] }, 10))
  expectIndexed(beginnings)
  expect(beginnings.map(planOf).join()).toContain('SEARCH p USING COVERING INDEX')
  const endings = await statements(() => store.pids({ endings: ['a'] }, 10))
  expectIndexed(endings)
  expect(endings.map(planOf).join()).toContain('SCAN process USING COVERING INDEX')
})

test('looking up a key, a process and its history goes by an index', async () => {
  const write = create({ key: 'a key' })
  const sqls = await statements(async () => {
    await done(store, write, { ...write, pid: 'another' })
    await store.read(write.pid)
    await store.load(write.pid)
    await store.history(write.pid)
    await store.loadCheckpoint(write.pid)
  })
  expectIndexed(sqls)
  expect(sqls.map(planOf).join()).toContain('process_key')
})

test('a step is one statement, and a commit of steps one more for other programs', async () => {
  const process = { pid: create().pid, fence: 1, seq: 1 }
  await done(store, create({ pid: process.pid, claim: 'A', state: 'running', seq: 1 }))
  const other = { ...process, pid: `${process.pid} other` }
  await done(store, create({ pid: other.pid, claim: 'A', state: 'running', seq: 1 }))
  const sqls = await statements(() => done(store, advance(process), advance(other)))
  expect(sqls.map((sql) => sql.split(/\s/)[0])).toEqual([
    'BEGIN',
    'SELECT',
    'UPDATE',
    'UPDATE',
    'INSERT',
    'COMMIT',
  ])
  expectIndexed(sqls)
  expectIndexed(await statements(() => done(store, finish({ ...process, seq: 2 }))))
})

test('signals, waits and what is pending go by indexes (C8)', async () => {
  await claim(store, 'A', { limit: 1_000 })
  const one = await running(store, 'A')
  const other = await running(store, 'A')
  const what = { resume: true, signal: 'approval', until: Date.now() + 60_000, on: [one.pid, other.pid] }
  const sqls = await statements(async () => {
    await done(store, wait(other, what), signal(other.pid, 'note'), resume(other.pid))
    await store.mail(other.pid, 'note')
    await store.pending(other.pid)
    const woken = await claimOne(store, 'A')
    await done(store, advance(woken, { consumes: woken.wake?.id ?? null }))
    await done(store, waitInStep(woken, what, { evicts: true }), signal(other.pid, 'approval'))
    const again = await claimOne(store, 'A')
    await done(store, record(again, { parts: { 'record:effect:a': '1' } }))
    await done(store, finish({ ...again, seq: again.seq }), finish(one))
  })
  expectIndexed(sqls)
  const plans = sqls.map(planOf).join()
  expect(plans).toContain('message_name')
  expect(plans).toContain('message_sender')
  expect(plans).toContain('awaits_target')
})

test('when the next one is due is one look for each class and version', async () => {
  const until = Date.now() + 60_000
  await waitingFor(store, 'A', { until })
  const sqls = await statements(async () =>
    expect(await store.recover({ classes: BAKE })).toMatchObject({ nextDue: until }),
  )
  expectIndexed(sqls)
  const looks = sqls.filter((sql) => sql.startsWith('SELECT ready_at'))
  expect(looks).toHaveLength(1)
  expect(planOf(looks[0] as string)).toContain(
    'USING INDEX process_ready (class=? AND version=? AND worker=? AND ready_at>?)',
  )
})

test('a tree is found by the index of parents, with one statement', async () => {
  const root = await running(store, 'A')
  const children = Array.from({ length: 20 }, () => create({ parent: root.pid }))
  await done(store, ...children)
  const sqls = await statements(() => done(store, request(root.pid, 'pause', { tree: true })))
  expectIndexed(sqls)
  const walks = sqls.filter((sql) => sql.startsWith('WITH RECURSIVE'))
  expect(walks).toHaveLength(1)
  expect(planOf(walks[0] as string).match(/USING INDEX process_parent \(parent=\?\)/g)).toHaveLength(2)
})

/** How the statements begin that the end of a process runs. */
async function ends(pid: string): Promise<string[]> {
  const sqls = await statements(() => done(store, finish({ pid, fence: 1, seq: 1 })))
  const begins = sqls.map((sql) => sql.trim().split(/\s+/).slice(0, 4).join(' '))
  // Depends on how many other rows the store has seen since: it remembers the numbers of some thousands.
  return begins.filter((sql) => sql !== 'SELECT id, beside FROM')
}

test('where nobody waits for anybody, a commit that ends processes looks for that once', async () => {
  const some = [await running(store, 'A'), await running(store, 'A'), await running(store, 'A')]
  const sqls = await statements(() => done(store, ...some.map((process) => finish(process))))
  expectIndexed(sqls)
  expect(sqls.filter((sql) => sql.includes('FROM awaits'))).toEqual([expect.stringMatching(/^SELECT EXISTS/)])
  expect(sqls.filter((sql) => sql.startsWith('UPDATE process'))).toHaveLength(some.length)
})

test('the end of a process looks once for who waits for it, where anybody waits for anybody', async () => {
  const process = await running(store, 'A')
  const target = await running(store, 'A')
  const waiter = await waitingFor(store, 'A', { on: [target.pid] })
  const sqls = await statements(() => done(store, finish(process)))
  expectIndexed(sqls)
  expect(sqls.filter((sql) => sql.includes('FROM awaits WHERE target'))).toHaveLength(1)
  expect(sqls.filter((sql) => sql.startsWith('UPDATE process'))).toHaveLength(1)
  await done(store, finish(target), request(waiter.pid, 'kill'))
})

test.each([
  ['all', false],
  ['the first', true],
])(
  'with many children that one process waits for, %s of them, each end is the same work, and the parent is written once',
  { ...HAS_MORE, timeout: 240_000 },
  async (_, any) => {
    const parent = await running(store, 'A')
    const children = Array.from({ length: share(2_000, 10_000) }, () =>
      create({ parent: parent.pid, claim: 'A', state: 'running', seq: 1 }),
    )
    const on = children.map(({ pid }) => pid)
    for (let from = 0; from < on.length; from += 1_000)
      await done(store, ...children.slice(from, from + 1_000))
    // A state as long as the list of those that are waited for: nobody reads it when one of them ends.
    const parts = { state: JSON.stringify({ label: 'waiting', on }) }
    const waits = wait(parent, { on, any }, { parts })
    const asleep = await statements(() => done(store, waits))
    expectIndexed(asleep)
    expect(asleep.length).toBeLessThan(12)
    const [first, second, ...rest] = on as [string, string, ...string[]]
    const last = rest.pop() as string
    const firstEnd = await ends(first)
    const secondEnd = await ends(second)
    for (let from = 0; from < rest.length; from += 1_000) {
      const sqls = await statements(() =>
        done(store, ...rest.slice(from, from + 1_000).map((pid) => finish({ pid, fence: 1, seq: 1 }))),
      )
      const whole = `data, before FROM process WHERE pid = '${parent.pid}'`
      expect(sqls.filter((sql) => sql.includes(whole))).toEqual([])
    }
    const lastEnd = await ends(last)
    // One of the ends makes the parent ready, which is one row and one entry of its history more.
    const [waking, others] = any ? [firstEnd, [secondEnd, lastEnd]] : [lastEnd, [firstEnd, secondEnd]]
    expect(others[0]).toEqual(others[1])
    expect(waking.filter((sql) => sql.startsWith('UPDATE process SET ready_at'))).toHaveLength(1)
    expect(others.flat().filter((sql) => sql.startsWith('UPDATE process SET ready_at'))).toHaveLength(0)
    expect(await claim(store, 'A')).toMatchObject([{ row: { pid: parent.pid }, wake: { by: 'handles' } }])
  },
)

test(
  'with many processes that one needs before it starts, each end is the same work, and the row is written once',
  { ...HAS_MORE, timeout: 240_000 },
  async () => {
    const needed = Array.from({ length: share(2_000, 10_000) }, () =>
      create({ claim: 'A', state: 'running', seq: 1 }),
    )
    const pids = needed.map(({ pid }) => pid)
    for (let from = 0; from < pids.length; from += 1_000)
      await done(store, ...needed.slice(from, from + 1_000))
    const needs = pids.map((pid) => ({ pid, ended: 'successful' as const, any: false }))
    const dependent = create({ upstream: { needs, until: null } })
    const created = await statements(() => done(store, dependent))
    expectIndexed(created)
    expect(created.length).toBeLessThan(12)
    const [first, second, ...rest] = pids as [string, string, ...string[]]
    const last = rest.pop() as string
    const firstEnd = await ends(first)
    expect(await ends(second)).toEqual(firstEnd)
    expect(firstEnd.length).toBeLessThan(16)
    for (let from = 0; from < rest.length; from += 1_000) {
      const sqls = await statements(() =>
        done(store, ...rest.slice(from, from + 1_000).map((pid) => finish({ pid, fence: 1, seq: 1 }))),
      )
      expect(sqls.filter((sql) => sql.includes('UPDATE process SET ready_at'))).toEqual([])
    }
    expect((await ends(last)).filter((sql) => sql.startsWith('UPDATE process SET ready_at'))).toHaveLength(1)
    const [claimed] = await claim(store, 'A')
    expect(claimed?.row.pid).toBe(dependent.pid)
    await done(store, advance(held(claimed as NonNullable<typeof claimed>)))
    expectIndexed(await statements(() => done(store, { kind: 'prune', pid: first })))
  },
)

test(
  'with many processes asleep, claiming and recovery run the same statements as with one, by the same plans',
  { ...HAS_MORE, timeout: 240_000 },
  async () => {
    // By a clock that stands still: with the time, what other tests left asleep would fall due.
    const clock = new SimulatedClock()
    const sleepers = await SqliteStore.open(join(folder, 'sleepers.db'), {
      clock,
      trace: (sql) => ran.push(sql),
    })
    onTestFinished(() => sleepers.close())
    await sleepers.join(engine('A'))
    const look = () =>
      statements(async () => {
        await sleepers.recover({ classes: BAKE })
        await sleepers.claim({ engine: 'A', classes: BAKE, limit: 10, suspects: false })
      })
    const fallAsleep = (pids: readonly string[]) =>
      sleepers.commit(
        pids.map((pid, index) =>
          create({
            pid,
            claim: 'A',
            state: 'waiting',
            seq: 1,
            parts: { state: '{}', inputs: '{}' },
            wait: waitFor(whats[index % whats.length]),
          }),
        ),
      )
    // A third of them for a time, a third for a signal, a third for another process.
    const whats = [{ until: clock.now() + 3_600_000 }, { signal: 'approval' }, { on: ['sleeper 0'] }]
    const named = (from: number, count = 1_000) =>
      Array.from({ length: count }, (_, index) => `sleeper ${from + index}`)
    await fallAsleep(named(0, 3))
    const before = await look()
    const many = share(5_000, 100_000)
    for (let from = 3; from < many; from += 1_000) await fallAsleep(named(from))
    // Of a class that nobody here knows: never looked at, whatever there is of it (C9).
    const unknown = named(2 * many).map((pid) => create({ pid, className: 'Brew' }))
    await sleepers.commit(unknown)
    const sqls = await look()
    expect(sqls).toEqual(before)
    expect(sqls.some((sql) => sql.startsWith('SELECT ready_at'))).toBe(true)
    expectIndexed(sqls)
  },
)
