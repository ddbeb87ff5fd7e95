import { expect, test } from 'vitest'
import { overBackEnds, claim, create, register, toWait, advance } from './stores.ts'

overBackEnds((_name, open) => {
  test('C12: an engine that leaves gives back what it holds, and it counts as no crash', async () => {
    const store = await open()
    await register(store, 'leaving')
    await store.commit([create('p', 'leaving'), create('w', 'leaving'), advance('w', 1, 2, toWait)])
    await store.leave('leaving')
    expect(await store.engines()).toEqual([])
    expect(await store.read('p')).toMatchObject({ state: 'running', owner: null, crashes: 0, paused: null })
    expect(await store.read('w')).toMatchObject({ state: 'waiting', owner: null, crashes: 0 })
    expect((await store.history('p')).map(({ name }) => name)).toEqual(['created', 'released'])
    await register(store, 'next')
    expect((await claim(store, 'next')).map(({ row }) => row.pid)).toEqual(['p'])
  })
})
