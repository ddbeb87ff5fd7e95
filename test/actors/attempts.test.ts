import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { Client, ProcessExcepted } from '../../src/index.ts'
import { Project } from '../cli/project.ts'
import { overEachStore } from '../engine/over-stores.ts'
import { Counter, did, forget } from './classes.ts'

/* The attempts of a call are counted in the store: a crash or a close gives none back. */

const FLAKY = `
import { appendFileSync, readFileSync } from 'node:fs'
import { currentCall } from 'damson'
export class Flaky {
  done = 0
  async work() {
    const call = currentCall()
    await call.effect('begin', ({ idempotencyKey }) => note('key ' + idempotencyKey.slice(call.pid.length)))
    call.print('attempt ' + call.attempt)
    const before = readFileSync('attempts', 'utf8')
    note('attempt ' + call.attempt)
    if (call.attempt === 2 && !before.includes('attempt 2')) process.kill(process.pid, 'SIGKILL')
    throw new RangeError('not yet')
  }
  add() {
    return ++this.done
  }
}
function note(what) {
  appendFileSync('attempts', what + '\\n')
}
export const actors = [Flaky]
`
class Flaky {
  done = 0
  async work(): Promise<void> {}
  add(): number {
    return ++this.done
  }
}

test('a call whose program is killed in its second attempt of three goes on with the second one', async () => {
  const project = new Project({ 'flaky.mjs': FLAKY })
  const client = await Client.open({ store: project.store, create: true })
  onTestFinished(async () => {
    await client.close()
    await project[Symbol.asyncDispose]()
  })
  const actor = await client.actor(Flaky, [], { id: 'flaky', retries: 2 })
  const [before, failing, after] = [actor.call.add(), actor.call.work(), actor.call.add()]
  await after.submitted()
  expect(await project.start(['worker', 'flaky.mjs']).ended).toMatchObject({ code: null })
  expect(await before.isReady()).toBe(true)
  const worker = project.start(['worker', 'flaky.mjs'])
  await expect(failing.result()).rejects.toBeInstanceOf(ProcessExcepted)
  expect(await after.result()).toBe(2)
  const attempts = readFileSync(join(project.folder, 'attempts'), 'utf8').trim().split('\n')
  expect(attempts).toEqual(['key /1/begin', 'attempt 1', 'attempt 2', 'attempt 2', 'attempt 3'])
  const failures = (await failing.history()).filter(({ name }) => name === 'failed')
  expect(failures.map(({ data }) => data)).toMatchObject([
    { attempt: 1, attempts: 3 },
    { attempt: 2, attempts: 3 },
  ])
  worker.signal('SIGTERM')
  await worker.ended
}, 60_000)

overEachStore((over) => {
  afterEach(forget)

  test('a call that backs off when its engine closes goes on with its next attempt in another engine', async () => {
    const options = { actors: [Counter] }
    const engine = await over().engine([], options)
    const actor = await engine.actor(Counter, [0], { retries: 1 })
    const [added, failing] = [actor.call.add(5), actor.call.failFirst(2)]
    await expect.poll(() => did).toContain('attempt 1')
    await vi.waitFor(async () =>
      expect(await over().store.read(failing.pid)).toMatchObject({ state: 'waiting', attempt: 2 }),
    )
    expect(await added.isReady()).toBe(true)
    await engine.close({ drain: 0 })
    const next = await over().engine([], options)
    const last = next.actorById(Counter, actor.id).call.add(1)
    const failed = next.handle(failing.pid).result({ raiseOnFailure: false })
    await over().clock.advance('10s')
    expect(await failed).toBeInstanceOf(ProcessExcepted)
    expect(await last.result()).toBe(6)
    expect(did.filter((what) => what.startsWith('attempt'))).toEqual(['attempt 1', 'attempt 2'])
  })

  test('a call that backs off shows that, and runs at once after retry()', async () => {
    const engine = await over().engine([], { actors: [Counter] })
    const actor = await engine.actor(Counter, [0], { retries: 1 })
    const failing = actor.call.failFirst(1)
    await expect.poll(() => over().store.read(failing.pid)).toMatchObject({ state: 'waiting', attempt: 2 })
    const next = actor.call.add(1)
    await next.submitted()
    expect(await failing.explain()).toMatch(
      /failed 1 of 2 \(not yet\), next try .*\nit is the next call of Counter/,
    )
    expect(await next.explain()).toMatch(/number 2 of the calls .*\n.*failFirst .*\n {2}run failed 1 of 2/)
    expect(await failing.retry()).toBe(true)
    expect(await failing.result()).toBe(1)
    expect(await next.result()).toBe(2)
  })
})
