import * as fc from '../run/properties.ts'
import { expect } from 'vitest'
import { MemoryStore } from '../../src/persistence/memory/memory-store.ts'
import type { Change } from '../../src/persistence/contract/rows.ts'
import type { Store } from '../../src/persistence/contract/store.ts'
import type { Write } from '../../src/persistence/contract/writes.ts'
import { SimulatedClock } from '../../src/testing/index.ts'
import { BAKE, create, engine, finish } from './fixtures.ts'

/* Random writes, and how they are compared over two back ends. */

const PIDS = ['a', 'b', 'c', 'd']
const NAMES = ['approval', 'price']
const REQUESTS = ['pause', 'play', 'kill', 'abort', 'retry', 'stop'] as const
const GROUPS = ['g', 'h']
const SESSIONS = ['S', 'T']

const pid = fc.constantFrom(...PIDS)
/** Parts with a column of their own, as a line in the row, and with a name that no line may have. */
const PARTS = ['inputs', 'memory', 'out:x', 'out:y', 'out:a\tb']
const LARGE = JSON.stringify('x'.repeat(3_000))
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 })

const what = fc.record({
  resume: fc.boolean(),
  signal: fc.option(fc.constantFrom(...NAMES)),
  until: fc.option(fc.integer({ min: -5, max: 20 })),
  on: fc.array(fc.constantFrom(...PIDS, 'nobody'), { maxLength: 3 }),
  any: fc.boolean(),
})

/** What a process reports with a write: mostly nothing. */
const reported = fc.option(
  fc.record({
    lines: fc.array(fc.constantFrom(10, 10, 400_000), { maxLength: 2 }),
    events: fc.nat(1),
    progress: fc.boolean(),
  }),
  { nil: undefined, freq: 2 },
)
const retention = fc.constantFrom(
  { policy: 'until-fetched' as const, ttl: null },
  { policy: 'refs' as const, ttl: null },
  { policy: 'ttl' as const, ttl: 5 },
)
const session = fc.constantFrom(...SESSIONS)
const needs = fc.array(
  fc.record({
    pid: fc.constantFrom(...PIDS, 'nobody'),
    ended: fc.constantFrom('successful' as const, 'failed' as const, 'either' as const),
    any: fc.boolean(),
  }),
  { minLength: 1, maxLength: 3 },
)

/** One thing that an engine or a client does; fences, sequences and counts are filled in from the row, mostly rightly. */
const action = fc.oneof(
  fc.record({
    do: fc.constant('create' as const),
    pid,
    parent: maybe(pid),
    held: fc.boolean(),
    abandoned: fc.boolean(),
    delay: fc.option(fc.nat(10)),
    deadline: fc.option(fc.nat(20)),
    wait: maybe(what),
    reported,
    needs: maybe(needs),
    group: maybe(fc.record({ name: fc.constantFrom(...GROUPS), position: fc.nat(2), byStep: fc.boolean() })),
    retention: maybe(retention),
    retainedBy: maybe(session),
    refers: maybe(fc.array(fc.constantFrom(...PIDS), { minLength: 1, maxLength: 2 })),
    worker: maybe(fc.constant('gpu')),
  }),
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('advance' as const),
      pid,
      off: fc.constantFrom(0, 0, 0, 0, 1),
      state: fc.constantFrom(
        'running' as const,
        'running' as const,
        'waiting' as const,
        'finished' as const,
        'excepted' as const,
        'killed' as const,
      ),
      wait: maybe(what),
      attempt: maybe(fc.integer({ min: 1, max: 3 })),
      begins: fc.constantFrom(false, false, true),
      pauses: fc.constantFrom(false, false, true),
      parts: fc.uniqueArray(
        fc.tuple(fc.constantFrom(...PARTS), fc.constantFrom('small', 'large', 'dropped')),
        { maxLength: 3, selector: ([name]) => name },
      ),
      dropsRecord: fc.boolean(),
      kills: fc.boolean(),
      reported,
      consumes: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('record' as const),
      pid,
      off: fc.constantFrom(0, 0, 0, 0, 1),
      waits: fc.option(fc.option(what, { nil: undefined })),
      evicts: fc.boolean(),
      consumes: fc.boolean(),
      reported,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('request' as const),
      pid,
      request: fc.constantFrom(...REQUESTS),
      grace: fc.constantFrom(0, 10),
      tree: fc.boolean(),
    }),
  },
  fc.record({ do: fc.constant('event' as const), pid, id: fc.nat(5) }),
  fc.record({ do: fc.constant('edit' as const), pid, off: fc.constantFrom(0, 0, 0, 1) }),
  fc.record({ do: fc.constant('resume' as const), pid, id: fc.nat(5) }),
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('signal' as const),
      pid,
      name: fc.constantFrom(...NAMES),
      id: fc.nat(5),
    }),
  },
  fc.record({
    do: fc.constant('actor' as const),
    pid,
    order: fc.constantFrom('strict' as const, 'ready' as const),
  }),
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('call' as const),
      pid,
      actor: pid,
      needs: maybe(needs),
      limit: fc.option(fc.nat(3)),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('serve' as const),
      pid,
      releases: fc.boolean(),
      count: fc.nat(2),
    }),
  },
  fc.record({ do: fc.constant('release' as const), pid }),
  fc.record({ do: fc.constant('park' as const), pid }),
  fc.record({ do: fc.constant('enforce' as const), pid }),
  fc.record({ do: fc.constant('prune' as const), pid }),
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('retain' as const), pid, session }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('unretain' as const),
      pid,
      session: fc.option(session),
      ofGroup: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('purge' as const), pid }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('drop' as const), pid }) },
  fc.record({ do: fc.constant('leave session' as const), session }),
  fc.record({
    do: fc.constant('complete' as const),
    pid: fc.constantFrom(...GROUPS),
    length: fc.nat(3),
    parent: maybe(pid),
    byStep: fc.boolean(),
  }),
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('claim' as const),
      engine: fc.constantFrom('A', 'B'),
      labels: maybe(fc.constantFrom(['gpu'], ['tpu', 'gpu'], ['tpu'])),
    }),
  },
  fc.record({ do: fc.constant('recover' as const) }),
  fc.record({ do: fc.constant('crash' as const) }),
  fc.record({ do: fc.constant('pass' as const), time: fc.nat(10) }),
)
type Action = typeof action extends fc.Arbitrary<infer A> ? A : never

/** What there is at first: a process, its child, and a child of that. */
const FAMILY: readonly Action[] = [undefined, 'a', 'b'].map((parent, index) => ({
  do: 'create',
  pid: PIDS[index] as string,
  parent,
  held: true,
  abandoned: false,
  delay: null,
  deadline: null,
  wait: undefined,
  reported: undefined,
  needs: undefined,
  group: undefined,
  retention: undefined,
  retainedBy: undefined,
  refers: undefined,
  worker: undefined,
}))

/** What an engine knows of what it runs. */
interface Known {
  fence: number
  count: number
  message: number | null
}

/** A back end on which random writes are played. */
export interface Stage {
  readonly store: Store
  readonly clock: SimulatedClock
  /** Whether a commit that is made again leaves out numbers of messages, as those of a server do. */
  readonly skipsNumbers?: true
  /** Whether it is made of several stores, which hear of each other later. */
  readonly hearsLate?: true
  /** Registers engine B, in what counts as a program of its own, and kills it. */
  join(): Promise<void>
  kill(): Promise<void>
  close(): Promise<void>
}

/** A store, and what its engines know. */
class Player {
  readonly stage: Stage
  readonly #known = new Map<string, Known>()
  readonly #heard: Change[] = []
  #made = 0

  constructor(stage: Stage) {
    this.stage = stage
    stage.store.watch((changes) => this.#heard.push(...changes))
  }

  /** The changes that the store has reported since the last call. */
  heard(): Change[] {
    return this.#heard.splice(0)
  }

  async play(one: Action): Promise<unknown> {
    const { store, clock } = this.stage
    switch (one.do) {
      case 'claim': {
        const { engine: by, labels } = one
        const claimed = await store.claim({ engine: by, classes: BAKE, labels, limit: 10, suspects: false })
        for (const { row, fence, wake } of claimed)
          this.#known.set(row.pid, { fence, count: 0, message: wake?.id ?? null })
        return claimed
          .map(({ row, fence, wake, played }) => ({ row, fence, wake, played }))
          .toSorted((a, b) => (a.row.pid < b.row.pid ? -1 : 1))
      }
      case 'recover':
        return store.recover({ classes: BAKE })
      case 'crash': {
        await this.stage.kill()
        const recovered = await store.recover()
        await this.stage.join()
        return recovered
      }
      case 'pass':
        return clock.advance(one.time)
      case 'leave session':
        await store.closeSession(one.session)
        return store.openSession(one.session)
      default: {
        const write = await this.#write(one)
        const [outcome] = await store.commit([write])
        if (write.kind === 'create' && outcome?.status === 'done' && outcome.existed === false)
          this.#known.set(write.pid, { fence: 1, count: 0, message: null })
        if (write.kind === 'advance' && write.begins === true && outcome?.status === 'done')
          this.#known.set(write.pid, { fence: 1, count: 0, message: null })
        return [write, outcome]
      }
    }
  }

  /** `numbered`: with the numbers of messages. */
  async look(numbered: boolean): Promise<unknown> {
    const { store } = this.stage
    const groups = GROUPS.map(async (group) => ({
      row: await store.group(group),
      members: await store.members(group, 0),
      listed: (await store.list({ group })).rows.map((row) => row.pid),
    }))
    const processes = await Promise.all(
      PIDS.map(async (one) => ({
        row: await store.read(one),
        parts: (await store.load(one))?.bundle().parts,
        pending: await store.pending(one),
        mail: await Promise.all(
          NAMES.map(async (name) => {
            const mail = await store.mail(one, name)
            return numbered ? mail : mail?.value
          }),
        ),
        log: await store.log(one),
        history: (await store.history(one)).map((entry) => ({ ...entry, commit: 0 })),
      })),
    )
    // In any order.
    const lifetimes = (await store.lifetimes(PIDS)).toSorted((a, b) => (a.pid < b.pid ? -1 : 1))
    return { processes, groups: await Promise.all(groups), all: await store.groups(), lifetimes }
  }

  async #write(
    one: Exclude<
      Action,
      { do: 'claim' } | { do: 'recover' } | { do: 'crash' } | { do: 'pass' } | { do: 'leave session' }
    >,
  ): Promise<Write> {
    const { store, clock } = this.stage
    const row = await store.read(one.pid)
    const known = this.#known.get(one.pid) ?? { fence: 1, count: 0, message: null }
    const { fence } = known
    const id = `request ${++this.#made}`
    const until = (wait: (typeof what extends fc.Arbitrary<infer W> ? W : never) | undefined) =>
      wait && { ...wait, until: wait.until === null ? null : clock.now() + wait.until }
    const report = (given: (typeof reported extends fc.Arbitrary<infer R> ? R : never) | undefined) =>
      given && {
        report: {
          log: given.lines.map((length) => ({
            stream: 'stderr' as const,
            text: `${++this.#made} ${'x'.repeat(length)}\n`,
            at: 1,
            attempt: 1,
          })),
          events: Array.from({ length: given.events }, () => ({
            name: 'event',
            data: `{"name":"${++this.#made}","at":1}`,
          })),
          progress: given.progress ? `{"done":${++this.#made}}` : undefined,
        },
      }
    switch (one.do) {
      case 'create': {
        const later = (time: number | null): number | null => (time === null ? null : clock.now() + time)
        const { parent = null, abandoned, delay, deadline, wait, needs, group, worker = null } = one
        const { retention, retainedBy, refers } = one
        const upstream =
          needs === undefined || wait !== undefined
            ? null
            : { needs, until: later(delay === null ? null : delay + 2) }
        const held = one.held && upstream === null
        return create({
          pid: one.pid,
          createdAt: 1,
          parent,
          abandoned,
          readyAt: later(delay),
          deadline: later(deadline),
          wait: until(wait) ?? null,
          upstream,
          state: wait !== undefined ? 'waiting' : held ? 'running' : 'created',
          claim: held ? 'B' : null,
          seq: held ? 1 : 0,
          ...report(one.reported),
          group: group && { ...group, ordered: true },
          worker,
          retention,
          retainedBy,
          refers,
        })
      }
      case 'advance': {
        const terminal = one.state !== 'running' && one.state !== 'waiting'
        const written = one.parts
          .filter(([, size]) => size !== 'dropped')
          .map(([name, size]) => [name, size === 'small' ? `${++this.#made}` : LARGE] as const)
        return {
          kind: 'advance',
          pid: one.pid,
          fence: one.begins ? 0 : fence,
          seq: (row?.seq ?? 0) + 1 + one.off,
          begins: one.begins,
          owner: row?.owner ?? 'A',
          state: one.state,
          step: 'bake',
          status: null,
          message: 'a message',
          parts: { state: `{"at":${++this.#made}}`, ...Object.fromEntries(written) },
          dropped: one.parts
            .filter(([name, size]) => size === 'dropped' && name !== 'inputs')
            .map(([name]) => name),
          dropsRecord: one.dropsRecord,
          paused: one.pauses && !terminal ? { message: 'own wish' } : null,
          consumes: one.consumes ? known.message : null,
          history: [{ name: one.state, data: null }],
          ending: terminal
            ? {
                successful: one.state === 'finished',
                exitCode: null,
                message: 'how it ended',
                dropCheckpoint: one.state === 'finished',
              }
            : null,
          wait: until(one.wait) ?? null,
          ...(one.attempt !== undefined && { attempt: one.attempt }),
          ...report(one.reported),
          ...(one.kills && { killsChildren: { grace: 10_000 } }),
        }
      }
      case 'record': {
        const count = known.count + 1 + one.off
        if (one.off === 0) known.count++
        const mail = one.consumes ? await store.mail(one.pid, 'approval') : undefined
        const waits = one.waits == null ? one.waits : { message: 'waits', for: one.waits }
        return {
          kind: 'record',
          pid: one.pid,
          fence,
          count,
          parts: { [`record:${count}`]: '1' },
          consumes: mail?.id ?? null,
          evicts: one.evicts,
          ...report(one.reported),
          history: [{ name: 'effect', data: null }],
          ...(waits !== undefined && {
            waits: waits && { ...waits, for: until(waits.for) as typeof waits.for },
          }),
        }
      }
      case 'request':
        return {
          kind: 'request',
          pid: one.pid,
          id,
          request: one.request,
          message: id,
          grace: one.grace,
          by: 'a client',
          killedState: null,
          tree: one.tree,
        }
      case 'event':
        return {
          kind: 'event',
          pid: one.pid,
          id: `event ${one.id}`,
          report: {
            log: [],
            events: [{ name: 'event', data: `{"name":"${id}","at":1}` }],
            progress: undefined,
          },
          by: 'a client',
        }
      case 'edit':
        return {
          kind: 'edit',
          pid: one.pid,
          id,
          fence: ((await store.load(one.pid))?.fence ?? 0) + one.off,
          seq: row?.seq ?? 0,
          parts: { memory: `${++this.#made}`, state: `{"at":${this.#made}}` },
          history: [{ name: 'edited', data: null }],
          by: 'a client',
        }
      case 'actor':
        return create({ pid: one.pid, createdAt: 1, mailbox: { order: one.order, limit: 2 } })
      case 'call': {
        const until = one.limit === null ? null : clock.now() + one.limit
        const upstream = one.needs === undefined ? null : { needs: one.needs, until }
        return create({ pid: one.pid, createdAt: 1, className: 'Bake.add', actor: one.actor, upstream })
      }
      case 'serve': {
        const calls = (await store.mailbox(one.pid, one.count)).map((call) =>
          finish({ pid: call.pid, fence: 0, seq: call.seq }, { owner: row?.owner ?? 'A' }),
        )
        const memory = `${++this.#made}`
        const seq = (row?.seq ?? 0) + 1
        const { pid: actor, releases } = one
        const owner = row?.owner ?? 'A'
        return {
          kind: 'calls',
          pid: actor,
          fence,
          seq,
          owner,
          parts: { memory },
          calls,
          releases,
          history: [],
          ending: null,
        }
      }
      case 'complete': {
        const { pid: name, length, parent = null, byStep } = one
        return {
          kind: 'complete',
          pid: name,
          name,
          ordered: false,
          createdAt: 1,
          length,
          parent,
          parentFence: null,
          byStep,
        }
      }
      case 'resume':
        return { kind: 'resume', pid: one.pid, id: `resume ${one.id}`, value: id, by: 'a client' }
      case 'signal':
        return {
          kind: 'signal',
          pid: one.pid,
          id: `signal ${one.id}`,
          name: one.name,
          value: id,
          by: 'a client',
        }
      case 'release':
        return { kind: 'release', pid: one.pid, fence }
      case 'park':
        return { kind: 'park', pid: one.pid, fence, reason: 'damaged' }
      case 'enforce':
        return { kind: 'enforce', pid: one.pid, killedState: '{"label":"killed"}' }
      case 'retain':
        return { kind: 'retain', pid: one.pid, session: one.session }
      case 'unretain':
        return { kind: 'unretain', pid: one.pid, session: one.session, ofGroup: one.ofGroup, by: 'a client' }
      case 'purge':
        return { kind: 'purge', pid: one.pid, by: 'a client' }
      case 'drop':
        return { kind: 'drop', pid: one.pid, by: 'A' }
      case 'prune':
        break
    }
    return { kind: 'prune', pid: one.pid }
  }
}

/**
 * Checks that two back ends answer and look the same, whatever is written to them in whatever order. The first
 * one is the model.
 */
export function expectSameAnswers(
  open: () => Promise<readonly [model: Stage, other: Stage]>,
  numRuns: number,
): Promise<void> {
  return fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 10, maxLength: 60 }), async (actions) => {
      const [model, other] = (await open()).map((stage) => new Player(stage)) as [Player, Player]
      try {
        for (const { stage } of [model, other]) {
          await stage.store.join(engine('A'))
          await stage.join()
          for (const one of SESSIONS) await stage.store.openSession(one)
        }
        const numbered = other.stage.skipsNumbers !== true
        for (const one of [...FAMILY, ...actions]) {
          expect(await other.play(one)).toEqual(await model.play(one))
          const [heard, expected] = [other.heard(), model.heard()]
          if (other.stage.hearsLate !== true) expect(heard).toEqual(expected)
          expect(await other.look(numbered)).toEqual(await model.look(numbered))
          expect(await other.stage.store.dueResults(2)).toEqual(await model.stage.store.dueResults(2))
        }
      } finally {
        await model.stage.close()
        await other.stage.close()
      }
    }),
    { numRuns },
  )
}

export async function inMemory(): Promise<Stage> {
  const clock = new SimulatedClock()
  const store = new MemoryStore({ clock })
  return {
    store,
    clock,
    join: () => store.join(engine('B')),
    kill: async () => store.forget('B'),
    close: () => store.close(),
  }
}
