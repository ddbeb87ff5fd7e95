import { afterEach, beforeEach, expect, it } from 'vitest'
import { Client } from '../../src/index.ts'
import { Project } from './project.ts'

const COUNTER = `
export class Counter {
  constructor(n) {
    this.n = n
  }
  add(by, more = 0) {
    if (by === 13) throw new Error('no luck')
    return (this.n += by + more)
  }
}
export const actors = [Counter]
`

class Counter {
  n: number
  constructor(n: number) {
    this.n = n
  }
  add(by: number, more = 0): number {
    return (this.n += by + more)
  }
}

let project: Project
beforeEach(async () => {
  project = new Project({ 'counter.mjs': COUNTER })
  await using client = await Client.open({ store: project.store, create: true })
  const actor = await client.actor(Counter, [3], { id: 'counter-1', label: 'visits' })
  await actor.call.add(1).submitted()
})
afterEach(() => project[Symbol.asyncDispose]())

it('actors, tree and explain show what an actor has to do', async () => {
  const listed = await project.damson(['actors'])
  expect(listed.stdout).toMatch(/ACTOR\s+CLASS\s+STATE\s+CALLS.*\ncounter-1\s+Counter\s+created\s+1/)
  const called = await project.damson(['call', 'counter-1', 'add', '[1, 2]'])
  expect(called.stdout).toMatch(/the call is stored for Counter counter-1\n$/)
  const tree = await project.damson(['tree', 'counter-1'])
  expect(tree.stdout).toMatch(/^Counter counter-1.*\n├─ Counter\.add \S+ .*\n└─ Counter\.add \S+/)
  expect((await project.damson(['tree'])).stdout.split('\n')).toHaveLength(4)
  const [pid = ''] = called.stdout.split(' ')
  const explained = await project.damson(['explain', pid])
  expect(explained.stdout).toContain(
    'it is number 2 of the calls of Counter counter-1\nthe first of them is: Counter.add',
  )
  expect(explained.stdout).toContain('no engine runs on this store')
})

it('a worker runs the calls, and call --wait prints the result', async () => {
  const worker = project.start(['worker', 'counter.mjs'])
  await worker.says('ready: runs Counter')
  const summed = await project.damson(['call', 'counter', 'add', '[1, 2]', '--wait', '--timeout', '20s'])
  expect(summed).toMatchObject({ stdout: '7\n', code: 0 })
  const failed = await project.damson(['call', 'counter-1', 'add', '13', '--wait', '--json'])
  expect(failed.code).toBe(1)
  expect(failed.stderr).toContain('no luck')
  const history = await project.damson(['history', 'counter-1'])
  expect(history.stdout).toMatch(/created[\s\S]*waits/)
  worker.signal('SIGTERM')
  await worker.ended
  const wrong = await project.damson(['call', 'nobody', 'add'])
  expect(wrong).toMatchObject({ code: 2 })
  const hidden = await project.damson(['call', 'counter-1', 'onLoad'])
  expect(hidden).toMatchObject({ code: 2 })
  expect(hidden.stderr).toBe('the actor class Counter has no method onLoad that can be called\n')
  expect((await project.damson(['status'])).stdout).toMatch(/waits? for calls/)
})
