import { expect, test } from 'vitest'
import type { Store } from '../../src/persistence/contract/store.ts'
import type { Write } from '../../src/persistence/contract/writes.ts'
import { advance, overBackEnds, create, everything, register, request, toEnd, toWait } from './stores.ts'

const ways: readonly (readonly [state: string, end: Write])[] = [
  ['finished', advance('p', 1, 2, toEnd)],
  ['excepted', advance('p', 1, 2, { ...toEnd, state: 'excepted', parts: { state: '{"label":"excepted"}' } })],
  ['killed', request('p', 'kill')],
]

overBackEnds((_name, open) => {
  async function running(): Promise<Store> {
    const store = await open()
    await register(store, 'engine')
    await store.commit([create('p', 'engine')])
    return store
  }

  test.each(ways)('C5: nothing leaves the state %s', async (state, end) => {
    const store = await running()
    await store.commit([end])
    const before = await everything(store, 'p')
    const writes: Write[] = [
      advance('p', 1, 3),
      advance('p', 1, 3, toWait),
      advance('p', 1, 3, { ...toEnd, state: state === 'finished' ? 'excepted' : 'finished' }),
      request('p', 'pause'),
      request('p', 'play'),
      request('p', 'kill'),
      { kind: 'resume', pid: 'p', id: 'late', value: '1', by: 'a test' },
      { kind: 'release', pid: 'p', fence: 1 },
      { kind: 'park', pid: 'p', fence: 1, reason: 'late' },
      { kind: 'enforce', pid: 'p', killedState: '{"label":"killed"}' },
    ]
    const outcomes = await store.commit(writes)
    expect(outcomes).toEqual(writes.map(() => ({ status: 'ended', state })))
    expect(await everything(store, 'p')).toEqual(before)
  })

  test('C5: of a kill and a completion the first to commit wins, and the other learns of it', async () => {
    const [kill, completion] = [request('p', 'kill'), advance('p', 1, 2, toEnd)]
    const killedFirst = await running()
    expect(await killedFirst.commit([kill, completion])).toMatchObject([
      { status: 'done', applied: true },
      { status: 'ended', state: 'killed' },
    ])
    expect(await killedFirst.read('p')).toMatchObject({ state: 'killed' })
    const completedFirst = await running()
    expect(await completedFirst.commit([completion, kill])).toMatchObject([
      { status: 'done' },
      { status: 'ended', state: 'finished' },
    ])
    expect(await completedFirst.read('p')).toMatchObject({ state: 'finished', successful: true })
  })
})
