import { describe, expect, it } from 'vitest'
import { joinGroups, MemoryStore, Client } from '../../src/index.ts'
import { overEachStore } from '../engine/over-stores.ts'

overEachStore((over) => {
  it('a group has handles, each the same object as the one of the client', async () => {
    const client = await over().client()
    const [first, second] = [await client.launch('Nobody', {}), await client.launch('Nobody', {})]
    const group = client.group([first, second.pid, first], { name: 'three' })
    expect(group).toMatchObject({
      name: 'three',
      ordered: true,
      length: 3,
      pids: [first.pid, second.pid, first.pid],
    })
    expect(group.handles).toEqual([first, second, first])
    expect([...group][1]).toBe(second)
    expect(group.at(-1)).toBe(first)
    expect(group.at(3)).toBeUndefined()
    const slice = group.slice(1)
    expect(slice.pids).toEqual([second.pid, first.pid])
    expect(slice.at(0)).toBe(second)
    expect(group.slice(1, 3).pids).toEqual(slice.pids)
    expect(group.slice(0, 2).pids).toEqual([first.pid, second.pid])
    expect(group).not.toHaveProperty('then')
  })

  it('groups are joined in their order, and no groups give an empty one', async () => {
    const client = await over().client()
    const a = client.group(['a', 'b'], { name: 'first', ordered: false })
    const joined = joinGroups(a, client.group(['c']), client.group(['a']))
    expect(joined).toMatchObject({ name: 'first', ordered: false, pids: ['a', 'b', 'c', 'a'] })
    expect(joined.at(0)).toBe(client.handle('a'))
    expect(joinGroups().length).toBe(0)
    expect(joinGroups().handles).toEqual([])
  })
})

describe('a group of wrong members', () => {
  it('is refused with the position of the first', async () => {
    const client = await Client.open({ store: new MemoryStore() })
    const launching = client.launch('Nobody', {})
    // @ts-expect-error a promise is no handle
    expect(() => client.group(['a', launching])).toThrow(
      'an object is at position 1. Has an `await` been forgotten before `launch`?',
    )
    await launching
    expect(() => client.group(['a', ''])).toThrow('the pid at position 1 of the group')
    expect(() => client.group('abc')).toThrow('a group takes a list of handles or pids, not "abc"')
    // @ts-expect-error not iterable
    expect(() => client.group(client.handle('a'))).toThrow('a group takes a list of handles or pids')
    // @ts-expect-error no such option
    expect(() => client.group([], { nam: 'a' })).toThrow('did you mean "name"?')
    expect(() => client.group([], { name: '' })).toThrow('group: the name')
    await client.close()
  })

  it('groups of two stores are not joined', async () => {
    const [here, there] = [new MemoryStore(), new MemoryStore()]
    const [one, other] = [await Client.open({ store: here }), await Client.open({ store: there })]
    const groups = [one.group(['a']), other.group(['b'], { name: 'far' })]
    expect(() => joinGroups(...groups)).toThrow('joinGroups: the group far is not of the same store')
    // @ts-expect-error a list is no group
    expect(() => joinGroups(groups)).toThrow('joinGroups: argument 1 is not a group')
    await Promise.all([one.close(), other.close()])
  })
})
