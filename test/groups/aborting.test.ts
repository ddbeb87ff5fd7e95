import { expect, it } from 'vitest'
import {
  AlreadyDone,
  Process,
  ProcessKilled,
  ProcessLost,
  type ProcessHandle,
  type ProcessSpec,
} from '../../src/index.ts'
import { overEachStore, untilWaiting } from '../engine/over-stores.ts'
import { Add, Approval, Gated, gate } from '../engine/processes.ts'
import { defer } from '../../src/process/state/deferred.ts'
import { intercept } from '../../src/testing/intercept.ts'

const ran = new Set<string>()

class Mark extends Process<typeof Mark> {
  static override define(spec: ProcessSpec) {
    return spec.input('n', { schema: { type: 'integer' } })
  }
  override async run(): Promise<void> {
    ran.add(this.pid)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

overEachStore((over) => {
  it('an abort ends what has not started, leaves what runs, and says what had ended', async () => {
    const engine = await over().engine([Gated, Approval], { concurrency: 1 })
    const waits = await engine.launch(Approval)
    await untilWaiting(over().store, waits.pid)
    const runs = await engine.launch(Gated, { gate: 'held' })
    await gate('held').reached
    const queued = await engine.launch(Gated, { gate: 'held' })
    const client = await over().client()
    const other = await client.launch('Gated', { gate: 'held' })
    const ended = await client.launch('Nobody', {})
    await ended.kill()
    const group = engine.group([waits, runs, queued, other.pid, ended.pid, queued])
    expect(await group.abort('not needed')).toEqual({
      aborted: [queued.pid, other.pid],
      running: [waits.pid, runs.pid],
      done: [ended.pid],
    })
    expect(await queued.wait()).toMatchObject({ label: 'killed', message: 'not needed' })
    expect(queued.exception()).toBeInstanceOf(ProcessKilled)
    expect(await other.wait()).toMatchObject({ label: 'killed', message: 'not needed' })
    gate('held').open()
    expect(await runs.wait()).toMatchObject({ label: 'finished' })
    expect(await waits.refresh()).toMatchObject({ label: 'waiting' })
    await waits.kill()
  })

  it('an abort of one handle answers whether it ended the process', async () => {
    const client = await over().client()
    const handle = await client.launch('Nobody', {})
    await handle.pause()
    expect(await handle.abort()).toBe(true)
    expect(handle.state).toMatchObject({ label: 'killed', message: 'aborted before its first step' })
    await expect(handle.abort()).rejects.toThrow(AlreadyDone)
    await expect(handle.abort()).rejects.toThrow('has ended (killed)')
    await expect(client.handle('gone').abort()).rejects.toThrow(ProcessLost)
    const engine = await over().engine([Gated])
    const runs = await engine.launch(Gated, { gate: 'one' })
    await gate('one').reached
    expect(await client.handle(runs.pid).abort()).toBe(false)
    gate('one').open()
    expect(await runs.wait()).toMatchObject({ label: 'finished' })
  })

  it('a process that an engine has claimed is dispatched, and is no longer aborted', async () => {
    const begin = defer<void>()
    const { store } = over()
    const slow = intercept(store, (commit) => async (writes) => {
      if (writes.some(({ kind }) => kind === 'advance')) await begin.promise
      return commit(writes)
    })
    await over().engine([Add], { store: slow })
    const client = await over().client()
    const handle = await client.launch('Add', { a: 1 })
    while ((await store.read(handle.pid))?.owner === null)
      await new Promise((resolve) => setImmediate(resolve))
    expect(await handle.refresh()).toMatchObject({ label: 'created', reason: 'dispatched' })
    expect(await handle.abort()).toBe(false)
    begin.resolve()
    expect(await handle.result()).toEqual({ sum: 2 })
  })

  it('whatever engines do meanwhile, a process was either aborted or run (C5)', async () => {
    const engine = await over().engine([Mark], { concurrency: 2 })
    const client = await over().client([Mark])
    const handles: ProcessHandle[] = []
    for (let n = 0; n < 40; n++) handles.push(await (n % 2 === 0 ? engine : client).launch(Mark, { n }))
    const group = client.group(handles)
    const { aborted, running, done } = await group.abort()
    expect([...aborted, ...running, ...done].toSorted()).toEqual(group.pids.toSorted())
    const states = await Promise.all(group.handles.map((handle) => handle.wait()))
    for (const [index, pid] of group.pids.entries()) {
      const label = aborted.includes(pid) ? 'killed' : 'finished'
      expect([pid, states[index]?.label, ran.has(pid)]).toEqual([pid, label, label === 'finished'])
    }
  })

  it('abortAll ends the processes that match and have not started', async () => {
    const engine = await over().engine([Approval])
    const waits = await engine.launch(Approval, undefined, { label: 'mine' })
    await untilWaiting(over().store, waits.pid)
    const client = await over().client()
    const mine = await client.launch('Nobody', {}, { label: 'mine' })
    const yours = await client.launch('Nobody', {}, { label: 'yours' })
    expect(await client.abortAll({ label: 'mine' }, 'enough')).toBe(1)
    expect(await mine.refresh()).toMatchObject({ label: 'killed', message: 'enough' })
    expect(await yours.refresh()).toMatchObject({ label: 'created' })
    expect(await client.abortAll({ state: 'waiting' })).toBe(0)
    await waits.kill()
  })
})

it('a process in memory is aborted before its first step', async () => {
  const answers: unknown[] = []
  class Parent extends Process {
    override async run() {
      const child = await this.launch(Mark, { n: 1 })
      await child.wait()
      answers.push(await child.abort().catch((error: unknown) => error instanceof AlreadyDone))
    }
  }
  await new Parent().execute()
  expect(answers).toEqual([true])
})
