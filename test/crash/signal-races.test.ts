import { expect, onTestFinished, test } from 'vitest'
import { Continue, Process, Wait, WaitTimeout, type ProcessSpec } from '../../src/index.ts'
import { HAS_MORE, share } from '../run/extent.ts'
import { seedsOf } from '../run/seed.ts'
import { overPlaces } from './lives.ts'
import { Turmoil } from './turmoil.ts'

/*
 * Whoever waits for a signal is woken, whether that comes before, as or after it goes to sleep, also where engines are closed or die
 * in between. Each signal is received once, in the order in which they were sent, or is kept.
 */

const WAYS = [
  'waits',
  'receives',
  'receives out of memory',
  'in time',
  'in time out of memory',
  'waits in time',
] as const

/** Receives so many signals, each in a way of its own, and records which it got. */
class Receives extends Process<typeof Receives> {
  declare ctx: { got?: unknown[] }
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('signals', { schema: { type: 'integer' } })
      .input('ways', { schema: { type: 'array', items: { type: 'string' } } })
      .signal('go')
  }
  override async run(): Promise<unknown> {
    const got = (this.ctx.got ??= [])
    const numbers = got.filter((value) => typeof value === 'number')
    if (numbers.length === this.inputs.signals) return got
    const way = this.inputs.ways[got.length % this.inputs.ways.length]
    const evict = way?.includes('out of memory') === true
    switch (way) {
      case 'waits':
        return new Wait(this.next, { receive: 'go' })
      case 'waits in time':
        return new Wait(this.next, { receive: 'go', for: 1_000 })
      case 'receives':
      case 'receives out of memory':
        got.push(await this.receive('go', { evict }))
        break
      default:
        got.push(await this.receive('go', { timeout: 1_000, evict }).catch((error: unknown) => late(error)))
    }
    return new Continue(this.run)
  }
  next(value: unknown): unknown {
    this.ctx.got?.push(value ?? 'late')
    return new Continue(this.run)
  }
}

function late(error: unknown): string {
  if (error instanceof WaitTimeout) return 'late'
  throw error
}

/** Of each test: so many processes, and so many signals to each. */
const [PROCESSES, SIGNALS] = [share(25, 250), 10]

overPlaces('over', (_name, open) => {
  for (const [what, ways, moves] of [
    ['sleep', WAYS.slice(0, 3), false],
    ['a timeout', WAYS.slice(3), true],
  ] as const) {
    test.each(seedsOf(1, 2, 3, 4))(
      `C8, USERS 13: ${PROCESSES * SIGNALS} races of a signal against ${what} leave none stuck (seed %i)`,
      { ...HAS_MORE, timeout: 240_000 },
      async (seed) => {
        const turmoil = await Turmoil.begin(open, [Receives], seed)
        onTestFinished(() => turmoil.end())
        const { random, clock } = turmoil
        const pids = await turmoil.launch(PROCESSES, Receives, (index) => ({
          signals: SIGNALS,
          ways: ways.map((_, way) => ways[(way + index) % ways.length]),
        }))
        // Whatever the seed, some waits time out: nothing has been sent yet.
        if (moves) {
          await turmoil.rests()
          clock.jump(1_000)
        }
        const sent = new Map<string, number>()
        const left = [...pids]
        while (left.length > 0) {
          const at = random.below(left.length)
          const pid = left[at] as string
          const number = (sent.get(pid) ?? 0) + 1
          sent.set(pid, number)
          turmoil.ask(pid, (handle) => handle.signal('go', number))
          if (number === SIGNALS) left.splice(at, 1)
          // Some at once: they share a commit.
          if (random.below(4) > 0) continue
          await turmoil.turns(4)
          if (moves && random.below(5) === 0) clock.jump(random.below(600))
          if (random.below(60) === 0) await turmoil.restart()
        }
        await turmoil.rests()
        expect(await turmoil.stuck()).toEqual([])
        let late = 0
        const all = Array.from({ length: SIGNALS }, (_, index) => index + 1)
        for (const pid of pids) {
          const got = (await turmoil.client.handle(pid).result()) as readonly unknown[]
          const values = got.filter((value) => value !== 'late')
          late += got.length - values.length
          expect([pid, values]).toEqual([pid, all])
          const history = await turmoil.client.history(pid)
          expect(history.filter(({ name }) => name === 'signalled')).toHaveLength(SIGNALS)
        }
        expect(late > 0).toBe(moves)
      },
    )
  }
})
