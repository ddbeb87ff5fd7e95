import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Client, PersistenceError, type ActorRef, type ProcessHandle } from '../../src/index.ts'
import type { Store } from '../../src/persistence/contract/store.ts'
import { Project } from '../cli/project.ts'
import { HAS_MORE, runsMore } from '../run/extent.ts'
import { aPath, openSqlite, replaced, slow } from './stores.ts'

/* A call of an actor keeps the contracts that a launch keeps: it is stored once (C2), and is not run again if it kills its program (C11). */

class Counter {
  n = 0
  add(by: number): number {
    return (this.n += by)
  }
}

/** An actor of a client over this store. */
async function counterOver(store: Store): Promise<ActorRef<Counter>> {
  const client = await Client.open({ store })
  onTestFinished(() => client.close())
  return client.actor(Counter, [], { id: 'counter' })
}

async function queuedIn(path: string): Promise<string[]> {
  const { rows } = await (await openSqlite(path)).list({ actor: false })
  return rows.map(({ pid }) => pid)
}

test('C2: submitted() of a call resolves once the call is durable', async () => {
  const path = await aPath()
  const happened: string[] = []
  const actor = await counterOver(slow(await openSqlite(path), () => happened.push('durable')))
  happened.length = 0
  const call = actor.call.add(1)
  expect(happened).toEqual([])
  await call.submitted()
  happened.push('submitted')
  expect(happened).toEqual(['durable', 'submitted'])
  expect(await queuedIn(path)).toEqual([call.pid])
})

test('C2: a call whose acknowledgement is lost is there once', async () => {
  const path = await aPath()
  const store = await openSqlite(path)
  let losses = 0
  const losing = replaced(store, {
    commit: async (writes) => {
      const outcomes = await store.commit(writes)
      if (losses === 0 && writes.some((write) => write.kind === 'create' && write.actor !== undefined)) {
        losses++
        throw new PersistenceError('the acknowledgement was lost')
      }
      return outcomes
    },
  })
  const actor = await counterOver(losing)
  const call = actor.call.add(1)
  await call.submitted()
  expect(losses).toBe(1)
  expect(await queuedIn(path)).toEqual([call.pid])
  expect(await actor.pending()).toBe(1)
})

const PROGRAM = `
import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { currentCall } from 'damson'
export class Bomb {
  add(by) {
    return by
  }
  async work(parts) {
    const call = currentCall()
    for (let part = 0; part < parts; part++) {
      await call.effect('part ' + part, () => {})
      if (!existsSync('part ' + part)) {
        writeFileSync('part ' + part, '')
        process.kill(process.pid, 'SIGKILL')
      }
    }
    return parts
  }
  async fail(times) {
    const { attempt } = currentCall()
    if (!existsSync('attempt ' + attempt)) {
      writeFileSync('attempt ' + attempt, '')
      process.kill(process.pid, 'SIGKILL')
    }
    if (attempt < times) throw new Error('not yet')
    return times
  }
  explode() {
    appendFileSync('explosions', 'x')
    process.kill(process.pid, 'SIGKILL')
  }
}
export const actors = [Bomb]
`
class Bomb {
  add(by: number): number {
    return by
  }
  async work(parts: number): Promise<number> {
    return Promise.resolve(parts)
  }
  async fail(times: number): Promise<number> {
    return Promise.resolve(times)
  }
  explode(): void {}
}

async function aProject(): Promise<{ readonly project: Project; readonly client: Client }> {
  const project = new Project({ 'bomb.mjs': PROGRAM })
  const client = await Client.open({ store: project.store, create: true })
  onTestFinished(async () => {
    await client.close()
    await project[Symbol.asyncDispose]()
  })
  await client.actor(Bomb, [], { id: 'bomb' })
  return { project, client }
}

test('C2: a call is there once when the program that made it is killed while it waits for the result', async () => {
  const { project, client } = await aProject()
  const actor = client.actorById(Bomb, 'bomb')
  const caller = project.start(['call', 'bomb', 'add', '1', '--wait'])
  await expect.poll(() => actor.pending(), { timeout: 30_000 }).toBe(1)
  caller.signal('SIGKILL')
  expect(await caller.ended).toMatchObject({ code: null })
  const { processes } = await client.list({ className: 'Bomb.add' })
  expect(processes).toHaveLength(1)
  expect(await actor.pending()).toBe(1)
}, 60_000)

test('C11: an actor whose call kills its program three times is paused, and its calls stay queued', async () => {
  const { project, client } = await aProject()
  const actor = client.actorById(Bomb, 'bomb')
  const calls = [actor.call.explode(), actor.call.add(1)]
  await Promise.all(calls.map((call) => call.submitted()))
  for (let crash = 1; crash <= 3; crash++)
    expect(await project.start(['worker', 'bomb.mjs']).ended).toMatchObject({ code: null })
  const worker = project.start(['worker', 'bomb.mjs'])
  await worker.says('Bomb bomb paused: it crashed its engine 3 times')
  worker.signal('SIGTERM')
  expect(await worker.ended).toMatchObject({ code: 0 })
  expect(readFileSync(join(project.folder, 'explosions'), 'utf8')).toBe('xxx')
  expect(await actor.process.refresh()).toMatchObject({ paused: true })
  expect(await actor.pending()).toBe(2)
}, 60_000)

const LONG = { ...HAS_MORE, timeout: 60_000 }

/** Starts programs until one of them runs the call to its end. Returns how many were killed. */
async function deathsUntilDone(project: Project, call: ProcessHandle): Promise<number> {
  for (let deaths = 0; ; deaths++) {
    const worker = project.start(['worker', 'bomb.mjs'])
    const paused = worker.says('paused: it crashed').then(
      () => 'paused',
      () => 'killed',
    )
    const came = await Promise.race([call.result(), paused])
    if (came === 'killed') continue
    expect(came).not.toBe('paused')
    worker.signal('SIGTERM')
    await worker.ended
    return deaths
  }
}

test.runIf(runsMore)(
  'C11: an actor is not paused while its call gets further with each crash',
  LONG,
  async () => {
    const { project, client } = await aProject()
    const call = client.actorById(Bomb, 'bomb').call.work(5)
    await call.submitted()
    expect(await deathsUntilDone(project, call)).toBe(5)
    expect(await call.result()).toBe(5)
  },
)

test.runIf(runsMore)(
  'C11: an actor is not paused while each crash is in another attempt of its call',
  LONG,
  async () => {
    const { project, client } = await aProject()
    const call = client.actorById(Bomb, 'bomb').send('fail', [4], { retries: 3 })
    await call.submitted()
    expect(await deathsUntilDone(project, call)).toBe(4)
    expect(await call.result()).toBe(4)
  },
)
