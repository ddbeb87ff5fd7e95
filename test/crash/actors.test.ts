import { expect, test } from 'vitest'
import { Client, currentCall, Engine, type ActorRef, type Store } from '../../src/index.ts'
import { SimulatedClock } from '../../src/testing/index.ts'
import { crashesAt, sidesOf } from '../run/commits.ts'
import { extent, HAS_MORE } from '../run/extent.ts'
import { overPlaces, type Open } from './lives.ts'
import { outside } from './outside.ts'
import { Program, type Death } from './program.ts'

/* An actor with calls of each kind, whose program dies at each commit in turn. */

class Ledger {
  readonly lines: string[] = []
  balance: number

  constructor(balance: number) {
    this.balance = balance
  }

  add(amount: number): number {
    this.lines.push(`add ${amount}`)
    this.balance += amount
    return this.balance
  }

  fail(): void {
    this.lines.push('fail')
    this.balance = Number.NaN
    throw new Error('it had to')
  }

  again(): number {
    this.lines.push('again')
    if (currentCall().attempt === 1) throw new Error('not yet')
    return this.balance
  }

  async pay(amount: number): Promise<number> {
    const call = currentCall()
    call.print(`pays ${amount}`)
    await call.effect('pay', ({ idempotencyKey }) => outside.pay(idempotencyKey.slice(call.pid.length)))
    this.lines.push(`pay ${amount}`)
    this.balance -= amount
    return this.balance
  }
}

const CALLS: readonly (readonly [
  label: string,
  method: 'add' | 'fail' | 'again' | 'pay',
  ...args: number[],
])[] = [
  ['one', 'add', 10],
  ['two', 'add', 5],
  ['three', 'fail'],
  ['four', 'pay', 3],
  ['five', 'add', 1],
  ['six', 'again'],
  ['seven', 'add', 2],
]

/** Queues what is not queued yet, and waits for all of it. */
async function drive(engine: Engine, clock: SimulatedClock): Promise<unknown> {
  const actor = await engine.actor(Ledger, [0], { id: 'ledger', retries: 0 })
  const handles = await Promise.all(
    CALLS.map(async ([label, method, ...args]) => {
      const [known] = (await engine.store.list({ label })).rows
      return {
        label,
        queue: () => (known === undefined ? send(actor, label, method, args) : engine.handle(known.pid)),
      }
    }),
  )
  const queued = handles.map(({ label, queue }) => ({ label, handle: queue() }))
  const done = { all: false }
  const all = Promise.all(queued.map(({ handle }) => handle.outcome())).finally(() => (done.all = true))
  await clock.quiet()
  while (!done.all) await clock.advance(100)
  const outcomes = (await all).map((outcome) =>
    outcome.status === 'fulfilled' ? outcome.value : (outcome.reason.cause as Error).message,
  )
  return {
    outcomes,
    lines: await actor.get('lines'),
    balance: await actor.get('balance'),
    pending: await actor.pending(),
    paid: outside.paid,
  }
}

function send(
  actor: ActorRef<Ledger>,
  label: string,
  method: 'add' | 'fail' | 'again' | 'pay',
  args: readonly number[],
) {
  return actor.send(method, args, { label, ...(method === 'again' && { retries: 1 }) })
}

/** Lives through it; each program dies as it is said. */
async function live(open: Open, dies: (life: number) => Death | undefined) {
  outside.clear()
  const clock = new SimulatedClock()
  const place = await open(clock)
  try {
    for (let deaths = 0; ; deaths++) {
      const program = new Program(place.store, clock, dies(deaths + 1))
      const living = async (): Promise<unknown> => {
        const { store } = program
        const engine = await Engine.open({
          store,
          clock: program.clock,
          actors: [Ledger],
          handleSignals: false,
        })
        const facts = await drive(engine, clock)
        await engine.close({ drain: 0 })
        return facts
      }
      const facts = await Promise.race([living(), program.death])
      if (facts !== undefined) return { facts, deaths }
      await clock.quiet()
      await place.crash()
      await explainAll(place.store, clock)
    }
  } finally {
    await place.close()
  }
}

async function explainAll(store: Store, clock: SimulatedClock): Promise<void> {
  await using client = await Client.open({ store, clock })
  const { processes } = await client.list({ limit: 1_000 })
  for (const { pid } of processes) expect(await client.explain(pid)).not.toMatch(/undefined|null|NaN|Invalid/)
}

const EXPECTED = {
  outcomes: [10, 15, 'it had to', 12, 13, 13, 15],
  lines: ['add 10', 'add 5', 'pay 3', 'add 1', 'again', 'add 2'],
  balance: 15,
  pending: 0,
  paid: ['/1/pay'],
}

overPlaces('an actor over', (place, open) => {
  test('comes to this without a crash', async () => {
    expect((await live(open, () => undefined)).facts).toEqual(EXPECTED)
  })

  for (const when of sidesOf(`actor ${place}`)) {
    test(
      `killed ${when} each commit in turn, it comes to the same end`,
      { ...HAS_MORE, timeout: 180_000 },
      async () => {
        let crashes = 0
        for (let commit = 1; commit < 200; commit++) {
          if (!crashesAt(commit, `actor ${place} ${when}`)) continue
          const first: Death = { commit, when }
          const { facts, deaths } = await live(open, (life) => [first][life - 1])
          expect({ commit, facts }).toEqual({ commit, facts: EXPECTED })
          if (deaths === 0) break
          crashes++
          const again = await live(open, (life) => [first, { commit: 2, when: 'after' } as const][life - 1])
          expect({ commit, again: again.facts }).toEqual({ commit, again: EXPECTED })
        }
        expect(crashes).toBeGreaterThan(extent === 'all' ? 5 : 0)
      },
    )
  }
})
