import { expect, onTestFinished, test } from 'vitest'
import {
  Continue,
  Process,
  Wait,
  WaitTimeout,
  type ProcessHandle,
  type ProcessSpec,
  type Settled,
} from '../../src/index.ts'
import { HAS_MORE, share } from '../run/extent.ts'
import { seedsOf } from '../run/seed.ts'
import { overPlaces } from './lives.ts'
import { Turmoil } from './turmoil.ts'

/* Whoever waits is woken, and whoever is killed ends, whatever comes first, also where engines are closed or die in between. */

/** Of each test. */
const RACES = share(120, 1_000)
const TIME_OUT = 120_000

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Waits to be resumed so many times, after the given number of turns. */
class Resumed extends Process<typeof Resumed> {
  declare ctx: { got?: unknown[] }
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('times', { schema: { type: 'integer' } })
      .input('turns', { schema: { type: 'integer' } })
  }
  override async run(): Promise<unknown> {
    await turns(this.inputs.turns)
    return new Wait(this.next)
  }
  async next(value: unknown): Promise<unknown> {
    const got = (this.ctx.got ??= [])
    got.push(value)
    await turns(this.inputs.turns)
    return got.length === this.inputs.times ? got : new Wait(this.next)
  }
}

/** Ends after the given number of turns. */
class Child extends Process<typeof Child> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('turns', { schema: { type: 'integer' } }).returns({ schema: { type: 'integer' } })
  }
  override async run(): Promise<number> {
    await turns(this.inputs.turns)
    return this.inputs.turns
  }
}

const JOINS = ['waits', 'waits for the first', 'joins', 'joins out of memory', 'asks'] as const

/** Launches children, and waits for them after the given number of turns, in one way after the other. */
class Parent extends Process<typeof Parent> {
  declare ctx: { round?: number; sums?: number[] }
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('turns', { schema: { type: 'array', items: { type: 'integer' } } })
      .input('way', { schema: { type: 'integer' } })
  }
  override async run(): Promise<unknown> {
    const round = (this.ctx.round ??= 0)
    if (round === JOINS.length) return this.ctx.sums
    this.ctx.round = round + 1
    const [before = 0, ...children] = this.inputs.turns
    const way = JOINS[(round + this.inputs.way) % JOINS.length]
    const handles: ProcessHandle<number>[] = []
    for (const count of children) handles.push(await this.launch(Child, { turns: count }))
    await turns(before)
    if (way === 'waits' || way === 'waits for the first')
      return new Wait(this.settled, { on: handles, any: way === 'waits for the first' })
    if (way === 'asks') return this.sum(await Promise.all(handles.map((handle) => handle.result())))
    return this.sum(await this.join('children', handles, { evict: way === 'joins out of memory' }))
  }
  settled(outcomes: readonly (Settled<number> | undefined)[]): unknown {
    return this.sum(outcomes.map((outcome) => (outcome?.status === 'fulfilled' ? outcome.value : 0)))
  }
  sum(values: readonly number[]): unknown {
    ;(this.ctx.sums ??= []).push(values.reduce((sum, value) => sum + value, 0))
    return new Continue(this.run)
  }
}

/** Is somewhere when it is killed. */
class Killed extends Process<typeof Killed> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('turns', { schema: { type: 'integer' } })
      .input('how', { schema: { type: 'integer' } })
      .signal('go')
      .retry({ attempts: 2, backoff: { initial: 1_000, jitter: 0 } })
  }
  override async run(): Promise<unknown> {
    await turns(this.inputs.turns)
    const evict = this.inputs.how > 6
    switch (this.inputs.how % 7) {
      case 0:
        return new Wait(this.end, { receive: 'go', for: 1_000 })
      case 1:
        return this.receive('go', { timeout: 1_000, evict }).catch((error: unknown) => {
          if (error instanceof WaitTimeout) return 'late'
          throw error
        })
      case 2:
        return this.sleep('a second', 1_000, { evict })
      case 3:
        return this.join('child', await this.launch(Killed, { turns: 3, how: 2 }), { evict })
      case 4:
        if (this.attempt === 1) throw new Error('once')
        return 'twice'
      case 5:
        return this.effect('slow', () => turns(10))
      default:
        return new Continue(this.end)
    }
  }
  async end(): Promise<void> {
    await turns(this.inputs.turns)
  }
}

const MOVES = new Set(['running', 'effect', 'sleeping', 'received', 'failed', 'finished', 'excepted'])

/** What a process did between a pause that had come about and its play. */
async function movedWhilePaused(turmoil: Turmoil, pid: string): Promise<string[]> {
  const moves: string[] = []
  let paused = false
  for (const { name } of await turmoil.client.history(pid)) {
    if (name === 'paused') paused = true
    else if (name === 'played') paused = false
    else if (paused && MOVES.has(name)) moves.push(name)
  }
  return moves
}

overPlaces('over', (_name, open) => {
  test.each(seedsOf(1, 2, 3))(
    'C8: races of a resume against a wait leave none stuck (seed %i)',
    { ...HAS_MORE, timeout: TIME_OUT },
    async (seed) => {
      const turmoil = await Turmoil.begin(open, [Resumed], seed)
      onTestFinished(() => turmoil.end())
      const { random } = turmoil
      const times = 5
      const pids = await turmoil.launch(RACES / times, Resumed, () => ({ times, turns: random.below(4) }))
      const left = pids.flatMap((pid) => Array.from({ length: times }, () => pid))
      const sent = new Map<string, number>()
      while (left.length > 0) {
        const [pid] = left.splice(random.below(left.length), 1) as [string]
        const number = (sent.get(pid) ?? 0) + 1
        sent.set(pid, number)
        turmoil.ask(pid, async (handle) => expect(await handle.resume(number)).toBe(true))
        if (random.below(4) > 0) continue
        await turmoil.turns(4)
        if (random.below(30) === 0) await turmoil.restart()
      }
      await turmoil.rests()
      expect(await turmoil.stuck()).toEqual([])
      for (const pid of pids)
        expect([pid, await turmoil.client.handle(pid).result()]).toEqual([pid, [1, 2, 3, 4, 5]])
    },
  )

  test.each(seedsOf(1, 2, 3))(
    'C8: races of the end of children against who waits for them leave none stuck (seed %i)',
    { ...HAS_MORE, timeout: TIME_OUT },
    async (seed) => {
      const turmoil = await Turmoil.begin(open, [Parent, Child], seed)
      onTestFinished(() => turmoil.end())
      const { random } = turmoil
      const inputs = Array.from({ length: RACES / JOINS.length }, (_, way) => ({
        way,
        turns: Array.from({ length: 2 + random.below(2) }, () => random.below(8)),
      }))
      const pids = await turmoil.launch(inputs.length, Parent, (index) => inputs[index] ?? {})
      for (let restarts = 0; restarts < 6; restarts++) {
        await turmoil.turns(60)
        await turmoil.restart()
      }
      await turmoil.rests()
      expect(await turmoil.stuck()).toEqual([])
      for (const [index, pid] of pids.entries()) {
        const [, ...children] = inputs[index]?.turns ?? []
        const all = children.reduce((sum, count) => sum + count, 0)
        const sums = (await turmoil.client.handle(pid).result()) as readonly number[]
        expect(sums).toHaveLength(JOINS.length)
        const full = sums.filter(
          (_, round) => JOINS[(round + index) % JOINS.length] !== 'waits for the first',
        )
        expect([pid, full]).toEqual([pid, full.map(() => all)])
        expect(Math.max(...sums)).toBe(all)
        const launched = await turmoil.client.list({ parent: pid, limit: 1_000 })
        expect(launched.processes).toHaveLength(children.length * JOINS.length)
      }
    },
  )

  test.each(seedsOf(1, 2, 3))(
    'C7: races of pauses and plays against whatever goes on leave none stuck (seed %i)',
    { ...HAS_MORE, timeout: TIME_OUT },
    async (seed) => {
      const turmoil = await Turmoil.begin(open, [Killed], seed)
      onTestFinished(() => turmoil.end())
      const { random, clock } = turmoil
      const pids = await turmoil.launch(RACES / 4, Killed, (how) => ({
        turns: random.below(4),
        how: how % 14,
      }))
      for (let asked = 0; asked < RACES; asked++) {
        const pid = random.oneOf(pids)
        const tree = random.below(2) === 0
        const kind = random.below(3)
        turmoil.ask(pid, (handle) => (kind > 0 ? handle.pause('raced', { tree }) : handle.play({ tree })))
        if (random.below(8) > 0) continue
        await turmoil.turns(6)
        if (random.below(10) === 0) clock.jump(random.below(600))
        if (random.below(30) === 0) await turmoil.restart()
      }
      await turmoil.rests()
      for (const pid of pids) turmoil.ask(pid, (handle) => handle.play())
      await turmoil.rests()
      // The longest way there is: a back-off or a timeout, for each a second.
      for (let second = 0; second < 3; second++) {
        clock.jump(1_000)
        await turmoil.rests()
      }
      expect(await turmoil.stuck()).toEqual([])
      expect((await turmoil.client.store.count()).excepted).toBe(0)
      for (const pid of pids) expect([pid, await movedWhilePaused(turmoil, pid)]).toEqual([pid, []])
    },
  )

  test.each(seedsOf(1, 2, 3))(
    'C7, USERS 2: races of a kill against whatever goes on leave none stuck (seed %i)',
    { ...HAS_MORE, timeout: TIME_OUT },
    async (seed) => {
      const turmoil = await Turmoil.begin(open, [Killed], seed)
      onTestFinished(() => turmoil.end())
      const { random, clock } = turmoil
      const pids = await turmoil.launch(RACES, Killed, (how) => ({ turns: random.below(4), how: how % 14 }))
      const left = [...pids]
      const answers = new Map<string, boolean>()
      while (left.length > 0) {
        const [pid] = left.splice(random.below(left.length), 1) as [string]
        turmoil.ask(pid, async (handle) => answers.set(pid, await handle.kill('raced')))
        if (random.below(8) > 0) continue
        await turmoil.turns(6)
        if (random.below(10) === 0) clock.jump(random.below(600))
        if (random.below(30) === 0) await turmoil.restart()
      }
      await turmoil.rests()
      expect(await turmoil.stuck()).toEqual([])
      const states = await turmoil.client.store.count()
      expect(states.killed).toBeGreaterThan(0)
      expect(states.excepted).toBe(0)
      // What was reported as ended has ended, and what was reported as killed is killed (C5).
      for (const pid of pids) {
        const row = await turmoil.client.store.read(pid)
        expect([pid, row?.state]).toEqual([pid, answers.get(pid) === true ? 'killed' : 'finished'])
      }
    },
  )
})
