import { expect, test } from 'vitest'
import { SimulatedClock } from '../../src/testing/simulated-clock.ts'
import { advance, overBackEnds, claim, create, register, request } from './stores.ts'

overBackEnds((_name, open) => {
  test('C7: a pause of a running process is stored when it is acknowledged, and outlives its engine', async () => {
    const store = await open()
    await register(store, 'engine')
    await store.commit([create('p', 'engine'), create('q', 'dead')])
    for (const pid of ['p', 'q']) await store.commit([request(pid, 'pause', { message: 'for the night' })])
    expect(await store.read('p')).toMatchObject({
      paused: null,
      pauseRequested: { message: 'for the night' },
    })
    // Its engine hears of it with the next transition at the latest, and that carries it out.
    expect(await store.commit([advance('p', 1, 2)])).toMatchObject([{ pause: { message: 'for the night' } }])
    expect(await store.read('p')).toMatchObject({
      paused: { message: 'for the night' },
      owner: null,
      step: 'next',
    })
    expect(await store.read('q')).toMatchObject({
      paused: { message: 'for the night' },
      owner: null,
      step: 'run',
    })
    expect(await claim(store, 'engine')).toEqual([])
    await store.commit([request('p', 'play')])
    expect((await claim(store, 'engine')).map(({ row }) => row.pid)).toEqual(['p'])
  })

  test('C7: what no living engine runs is killed in the very commit that asks for it', async () => {
    const store = await open()
    await store.commit([create('new'), create('orphan', 'dead')])
    const kills = ['new', 'orphan'].map((pid) => request(pid, 'kill', { grace: 3_600_000 }))
    expect(await store.commit(kills)).toMatchObject([{ applied: true }, { applied: true }])
    expect(await store.count()).toMatchObject({ killed: 2, created: 0, running: 0 })
  })

  test('C7: a kill is stored for its engine, and done by whoever looks once its deadline has passed', async () => {
    const clock = new SimulatedClock()
    const store = await open(clock)
    await register(store, 'engine')
    await store.commit([create('p', 'engine')])
    expect(await store.commit([request('p', 'kill', { grace: 5_000, message: 'enough' })])).toMatchObject([
      { applied: false },
    ])
    expect((await store.recover()).nextDeadline).toBe(clock.now() + 5_000)
    expect(await store.read('p')).toMatchObject({ state: 'running', killRequested: { message: 'enough' } })
    await clock.advance(5_000)
    await store.recover()
    expect(await store.read('p')).toMatchObject({ state: 'killed', message: 'enough', owner: null })
    // Its engine's own next write comes too late (C5).
    expect(await store.commit([advance('p', 1, 2)])).toEqual([{ status: 'ended', state: 'killed' }])
  })

  test('C7: a process that has ended or is being killed gets no more children', async () => {
    const store = await open()
    await register(store, 'engine')
    await store.commit([create('p', 'engine'), request('p', 'kill', { grace: 3_600_000 })])
    const child = { ...create('child'), parent: 'p', parentFence: 1 }
    expect(await store.commit([child])).toEqual([{ status: 'ended', state: 'killed' }])
    expect(await store.read('child')).toBeUndefined()
  })
})
