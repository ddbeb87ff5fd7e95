import { describe, expect, it } from 'vitest'
import { Process, ProcessLost } from '../../src/index.ts'
import { overEachStore } from './over-stores.ts'

class Order extends Process {}

/** A pid as Damson makes one, with this ending. */
function pid(ending: string, beginning = '019a0000'): string {
  const whole = `${beginning}-1111-7222-8333-444455556666`
  return whole.slice(0, whole.length - ending.length) + ending
}

overEachStore((over) => {
  describe('a handle by key', () => {
    it('is the handle of the process that was launched with the key, also typed by its class', async () => {
      const client = await over().client()
      const launched = await client.launch('Order', {}, { key: 'order 17' })
      expect(await client.handle({ key: 'order 17' })).toBe(launched)
      expect(await client.handle(Order, { key: 'order 17' })).toBe(launched)
      await launched.kill()
      expect(await client.handle({ key: 'order 17' })).toBe(launched)
    })

    it('is refused for a key that no process has, and for what is no key', async () => {
      const client = await over().client()
      await expect(client.handle({ key: 'order 1' })).rejects.toThrow(
        new ProcessLost('', 'no process of this store has the key "order 1"'),
      )
      await expect(client.handle({ key: '' })).rejects.toThrow('handle: the key must not be empty')
      // @ts-expect-error The option is misspelt.
      await expect(client.handle({ kay: 'x' })).rejects.toThrow('unknown option "kay"')
    })
  })

  describe('a short pid', () => {
    it('is the shortest ending that no other pid of the store begins or ends with', async () => {
      const client = await over().client()
      const pids = [pid('aaaa123456'), pid('bbba123456'), pid('cccccccccc'), pid('ffff', 'cccccccc')]
      for (const one of pids) await client.launch('Order', {}, { pid: one })
      const [first = '', second = '', third = '', fourth = ''] = pids
      expect([...(await client.shortPids(pids))]).toEqual([
        [first, 'aa123456'],
        [second, 'ba123456'],
        // Another pid begins with the last eight characters of this one.
        [third, 'ccccccccc'],
        [fourth, '55ffff'],
      ])
      // What is not on the page counts too.
      expect([...(await client.shortPids([second]))]).toEqual([[second, 'ba123456']])
    })

    it('is the whole pid where a caller chose it, or where another one ends with the whole', async () => {
      const client = await over().client()
      const [chosen, generated] = ['order-17-of-the-night-run', pid('abcdef')]
      for (const one of [chosen, generated, `copy of ${generated}`]) {
        await client.launch('Order', {}, { pid: one })
      }
      expect([...(await client.shortPids([chosen, generated]))]).toEqual([
        [chosen, chosen],
        [generated, generated],
      ])
    })
  })

  it('finds pids by a beginning or an ending, at most as many as are asked for', async () => {
    const client = await over().client()
    for (const one of ['a-1', 'b-1', '1-b']) await client.launch('Order', {}, { pid: one })
    expect(await client.pidsLike('b')).toEqual(['1-b', 'b-1'])
    expect(await client.pidsLike('-1')).toEqual(['a-1', 'b-1'])
    expect(await client.pidsLike('', 2)).toHaveLength(2)
    expect(await client.pidsLike('x')).toEqual([])
    await expect(client.pidsLike('x', 0)).rejects.toThrow(RangeError)
  })
})
