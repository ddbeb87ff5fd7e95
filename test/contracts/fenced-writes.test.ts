import { expect, onTestFinished, test } from 'vitest'
import { Continue, Engine, LeaseLost, MemoryStore, Process } from '../../src/index.ts'
import { closeGates, gate } from '../engine/processes.ts'
import { advance, overBackEnds, claim, create, everything, register, toEnd, toWait } from './stores.ts'

overBackEnds((_name, open) => {
  test.each(['died', 'left'])('C4: a write of an owner that has %s changes nothing', async (how) => {
    const store = await open()
    await store.commit([create('p', 'frozen')])
    // An engine that nobody has registered is a dead one.
    await (how === 'died' ? store.recover() : store.leave('frozen'))
    await register(store, 'other')
    expect(await claim(store, 'other')).toHaveLength(1)
    const before = await everything(store, 'p')
    const stale = [{}, toWait, toEnd].map((to) => advance('p', 1, 2, { owner: 'frozen', ...to }))
    const outcomes = await store.commit([
      ...stale,
      { kind: 'release', pid: 'p', fence: 1 },
      { kind: 'park', pid: 'p', fence: 1, reason: 'stale' },
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fenced', 'fenced', 'fenced', 'fenced', 'fenced'])
    expect(await everything(store, 'p')).toEqual(before)
  })

  test('C4: a write that is not the next in its sequence changes nothing', async () => {
    const store = await open()
    await register(store, 'engine')
    await store.commit([create('p', 'engine'), advance('p', 1, 2)])
    const before = await everything(store, 'p')
    const outcomes = await store.commit([
      advance('p', 1, 2, { step: 'another' }),
      advance('p', 1, 4),
      advance('p', 1, 1),
      ...[toWait, toEnd].map((to) => advance('p', 1, 4, to)),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fenced', 'fenced', 'fenced', 'fenced', 'fenced'])
    expect(await everything(store, 'p')).toEqual(before)
  })

  test.each([
    ['a step', {}],
    ['a wait', toWait],
    ['the end', toEnd],
  ])('C4: the same write of %s twice is a success twice, and is done once', async (_to, to) => {
    const store = await open()
    await register(store, 'engine')
    await store.commit([create('p', 'engine')])
    const write = advance('p', 1, 2, to)
    const [first] = await store.commit([write])
    const once = await everything(store, 'p')
    const [second] = await store.commit([write])
    expect([first?.status, second]).toEqual(['done', first])
    expect(await everything(store, 'p')).toEqual(once)
  })
})

test('C4: an engine that has lost a process learns so, and starts no further step of it', async () => {
  let tell!: (what: unknown) => void
  const seen = new Promise((resolve) => (tell = resolve))
  class Lost extends Process<typeof Lost> {
    static override processName = 'Count'
    override async run(): Promise<unknown> {
      this.signal.addEventListener('abort', () => tell(this.signal.reason))
      await gate('lost').pass()
      return new Continue(this.next)
    }
    next(): void {
      tell('the next step ran')
    }
  }
  const store = new MemoryStore()
  const engine = await Engine.open({ store, processes: [Lost], handleSignals: false })
  onTestFinished(() => engine.close())
  const { pid } = await engine.launch(Lost)
  await gate('lost').reached
  // Somebody takes it for dead.
  await store.leave(engine.id)
  await register(store, 'other')
  expect(await claim(store, 'other')).toHaveLength(1)
  closeGates()
  expect(await seen).toBeInstanceOf(LeaseLost)
  expect(await store.read(pid)).toMatchObject({ state: 'running', step: 'run', owner: 'other' })
})
