import { expect, onTestFinished, test } from 'vitest'
import { Client, Continue, Engine, MemoryStore, Process } from '../../src/index.ts'
import type { Write } from '../../src/persistence/contract/writes.ts'
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
  expect(commits).toEqual([['a'], ['b', 'c', 'a'], ['a']])
  expect(await memory.read('a')).toMatchObject({ paused: { message: 'last' } })
})

class TwoSteps extends Process<typeof TwoSteps> {
  override run() {
    return new Continue(this.second)
  }
  second() {}
}

test('over a store that allows it, commits of running processes overlap, and launches keep their order', async () => {
  const memory = new MemoryStore()
  const inFlight = new Set<readonly Write[]>()
  const meet: Write[] = []
  const haveAnOrder = (one: Write, other: Write): boolean =>
    one.pid === other.pid || (one.kind === 'create' && other.kind === 'create')
  const created: string[] = []
  let most = 0
  const store = Object.assign(
    replaced(memory, {
      commit: async (writes) => {
        const others = [...inFlight].flat()
        meet.push(...others.filter((other) => writes.some((write) => haveAnOrder(write, other))))
        inFlight.add(writes)
        most = Math.max(most, inFlight.size)
        // Those with more writes are answered later.
        for (let turns = writes.length; turns > 0; turns--)
          await new Promise((resolve) => setImmediate(resolve))
        inFlight.delete(writes)
        created.push(...writes.flatMap(({ kind, pid }) => (kind === 'create' ? [pid] : [])))
        return memory.commit(writes)
      },
    }),
    { commitsAtOnce: 2 },
  )
  const engine = await Engine.open({ store, processes: [TwoSteps] })
  onTestFinished(() => engine.close())
  const pids = Array.from({ length: 300 }, (_, index) => `number ${index}`)
  const handles = await Promise.all(pids.map((pid) => engine.launch(TwoSteps, {}, { pid })))
  await Promise.all(handles.map((handle) => handle.result()))
  expect(most).toBe(2)
  expect(meet).toEqual([])
  expect(created).toEqual(pids)
})
