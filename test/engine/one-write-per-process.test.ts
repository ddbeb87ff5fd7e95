import { expect, onTestFinished, test } from 'vitest'
import { Client, MemoryStore } from '../../src/index.ts'
import { replaced } from '../contracts/stores.ts'

test('a commit has one write of each process, whose writes keep their order', async () => {
  const memory = new MemoryStore()
  const commits: string[][] = []
  const store = replaced(memory, {
    commit: (writes) => {
      commits.push(writes.map(({ pid }) => pid))
      return memory.commit(writes)
    },
  })
  const client = await Client.open({ store })
  onTestFinished(() => client.close())
  const [one, other] = [
    await client.launch('Nobody', {}, { pid: 'one' }),
    await client.launch('Nobody', {}, { pid: 'other' }),
  ]
  commits.length = 0
  const sent = Array.from({ length: 5 }, (_, index) => one.signal(`number ${index}`))
  await Promise.all([...sent, other.pause(), other.kill()])
  for (const pids of commits) expect(new Set(pids).size).toBe(pids.length)
  expect(commits.flat().filter((pid) => pid === 'one')).toHaveLength(5)
  expect((await memory.pending('one')).mail.map(({ name }) => name)).toEqual(
    Array.from({ length: 5 }, (_, index) => `number ${index}`),
  )
  expect((await client.history('other')).map(({ name }) => name)).toEqual(['created', 'paused', 'killed'])
})

test('what one write of a process waits for, and what has to be in one commit, holds up no other process', async () => {
  const memory = new MemoryStore()
  const commits: string[][] = []
  let open = (): void => {}
  let busy = Promise.resolve()
  const store = replaced(memory, {
    commit: async (writes) => {
      commits.push(writes.map(({ pid }) => pid))
      await busy
      return memory.commit(writes)
    },
  })
  const client = await Client.open({ store })
  onTestFinished(() => client.close())
  const handles = await Promise.all(['a', 'b', 'c'].map((pid) => client.launch('Nobody', {}, { pid })))
  commits.length = 0
  busy = new Promise((resolve) => (open = resolve))
  const first = handles[0]?.pause('first')
  while (commits.length === 0) await new Promise((resolve) => setImmediate(resolve))
  const more = [handles[0]?.play(), handles[0]?.pause('last'), handles[1]?.pause(), handles[2]?.pause()]
  open()
  await Promise.all([first, ...more])
  expect(commits).toEqual([['a'], ['a', 'b', 'c'], ['a']])
  expect(await memory.read('a')).toMatchObject({ paused: { message: 'last' } })
})
