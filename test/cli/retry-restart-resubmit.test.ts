import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { waitUntil } from '../../src/cli/read/wait-until.ts'
import { Client, Engine, type ProcessHandle, type ProcessState } from '../../src/index.ts'
import { SqliteStore } from '../../src/persistence/sqlite/index.ts'
import { SimulatedClock } from '../../src/testing/index.ts'
import { damson } from './in-process.ts'
import { Approval, Family, Relax, Word } from './processes.ts'
import type { Ended } from './in-process.ts'
import { Project } from './project.ts'

const DAY = 86_400_000

let project: Project
/** In the part of a worker. */
let engine: Engine
/** `damson` on the store of this test. */
const run = (...args: readonly string[]): Promise<Ended> => damson(...args, '--store', project.store)
const json = async (...args: readonly string[]): Promise<unknown> =>
  JSON.parse((await run(...args, '--json')).stdout)

beforeEach(async () => {
  project = new Project()
  engine = await Engine.open({
    store: project.store,
    processes: [Approval, Family, Relax, Word],
    handleSignals: false,
  })
})
afterEach(async () => {
  await engine.close()
  await project[Symbol.asyncDispose]()
})

/** Waits until a process is in a state. */
async function untilIt(is: ProcessState, handle: ProcessHandle): Promise<ProcessHandle> {
  await waitUntil(engine, handle, ({ label }) => label === is, 30_000)
  return handle
}

/** One whose step was interrupted by its second failure. */
async function failed(): Promise<ProcessHandle> {
  const handle = await untilIt('waiting', await engine.launch(Relax, { hopeless: true }))
  await handle.retry()
  return untilIt('excepted', handle)
}

describe('damson signal', () => {
  it('sends a signal with its payload', async () => {
    const handle = await untilIt('waiting', await engine.launch(Approval))
    const { pid } = handle
    expect(await run('signal', pid, 'approval', 'true')).toEqual({
      code: 0,
      stdout: `${pid} the signal approval is stored for it\n`,
      stderr: '',
    })
    expect(await handle.result()).toBe(true)
    const late = await run('signal', pid, 'approval', 'true')
    expect(late).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('has ended') })
  })

  it.each([
    [['approval', '"yes"'], /signals\.approval: must be boolean/],
    [['approvl', 'true'], /no signal 'approvl'.*approval/],
    [['approval', '{'], /the payload is not valid JSON: line 1/],
    [[], /say which signal/],
  ])('refuses %j with 2', async (args, message) => {
    const { pid } = await engine.launch(Approval)
    const { code, stdout, stderr } = await run('signal', pid, ...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
  })
})

describe('damson resume', () => {
  it('resumes with a value; exits with 1 for what has ended', async () => {
    const handle = await engine.launch(Word)
    expect(await json('resume', handle.pid, '{"said": "yes"}')).toEqual({ pid: handle.pid, stored: true })
    expect(await handle.result()).toEqual({ said: 'yes' })
    expect(await run('resume', handle.pid)).toMatchObject({ code: 1, stdout: '' })
  })
})

describe('damson retry', () => {
  it('lets one that backs off run now, and waits for its end with --wait', async () => {
    const handle = await untilIt('waiting', await engine.launch(Relax))
    expect(await run('retry', handle.pid, '--wait')).toEqual({
      code: 0,
      stdout: `${handle.pid} finished\n`,
      stderr: '',
    })
    expect(await run('retry', handle.pid)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: `${handle.pid} finished: there is nothing to retry\n`,
    })
  })

  it('restarts one that failed, and prints the new pid', async () => {
    const { pid } = await failed()
    const { code, stdout, stderr } = await run('retry', pid)
    expect({ code, stderr }).toEqual({ code: 0, stderr: `restarted from ${pid}\n` })
    expect(await json('show', stdout.trim())).toMatchObject({ origin: { pid, kind: 'restart' } })
  })
})

describe('damson restart and resubmit', () => {
  it('begin an ended process again, as a new one', async () => {
    const handle = await untilIt('waiting', await engine.launch(Word))
    expect(await run('restart', handle.pid)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('damson kill ends it'),
    })
    await handle.kill()
    expect(await json('restart', handle.pid)).toMatchObject({
      from: handle.pid,
      state: 'waiting',
      done: true,
    })
    const [again] = (await engine.list({ origin: handle.pid })).processes
    for (const name of ['retry', 'restart', 'resubmit'])
      expect(await run(name, handle.pid)).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringContaining(
          `is superseded by ${again?.pid} (waiting); it has not ended. Give --again`,
        ),
      })
    expect(await json('resubmit', handle.pid, '--again')).toMatchObject({ from: handle.pid, done: true })
    expect(await run('restart', handle.pid, '--again', '--from', 'noon')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no checkpoint'),
    })
    expect(await run('restart', handle.pid, '--timeout', '1s')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--timeout goes with --wait'),
    })
  })

  it('exit with 1 where --wait comes to no success, or to no end in time', async () => {
    const hopeless = await failed()
    const waited = run('resubmit', hopeless.pid, '--wait', '--json')
    for (const step of ['waiting', 'excepted'] as const) {
      const again = await until(async () => {
        const { processes } = await engine.list({ state: step })
        return processes.find(({ origin }) => origin?.pid === hopeless.pid)
      })
      if (step === 'waiting') await engine.handle(again.pid).retry()
    }
    expect(await waited).toMatchObject({ code: 1, stdout: expect.stringContaining('"excepted"') })

    const handle = await untilIt('waiting', await engine.launch(Word))
    await handle.kill()
    expect(await run('resubmit', handle.pid, '--wait', '--timeout', '1ms')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('has not ended in this time, and continues'),
    })
  })
})

describe('damson prune', () => {
  it('says how many it would delete, and deletes them with --yes', async () => {
    for (const processClass of [Word, Approval]) {
      await (await untilIt('waiting', await engine.launch(processClass))).kill('enough', { force: true })
    }
    const lives = await engine.launch(Word)
    expect(await run('prune')).toEqual({
      code: 0,
      stdout: '2 processes would be deleted\n',
      stderr: '--yes deletes them\n',
    })
    expect(await json('prune', '--class', 'Word', '--dry-run')).toEqual({ wouldDelete: 1 })
    expect(await json('prune', '--state', 'finished', '--yes')).toEqual({ deleted: 0 })
    expect((await run('prune', '--class', 'Word', '--yes')).stdout).toBe('1 process deleted\n')
    expect(await json('prune', '--older-than', '1d')).toEqual({ wouldDelete: 0 })
    expect(await json('list', '--all')).toMatchObject({
      processes: [{ pid: lives.pid }, { name: 'Approval' }],
    })
  })

  it('counts the age of a process from its end, and not from its creation', async () => {
    const clock = new SimulatedClock({ start: Date.now() - 3 * DAY })
    const store = await SqliteStore.open(project.store, { clock })
    const before = await Client.open({ store, clock })
    const [old, late] = [await before.launch('Bake'), await before.launch('Bake')]
    await old.kill()
    await before.close()
    await store.close()
    await run('kill', late.pid)
    expect(await json('prune', '--older-than', '2d', '--yes')).toEqual({ deleted: 1 })
    expect(await json('list', '--all')).toMatchObject({ processes: [{ pid: late.pid }] })
  })

  it.each([
    [['--state', 'running'], /only what has ended can be deleted/],
    [['--state', 'paused'], /only what has ended can be deleted/],
    [['--yes', '--dry-run'], /give one of them/],
    [['--older-than', 'long'], /"long" is not a duration/],
  ])('refuses %j with 2', async (args, message) => {
    const { code, stdout, stderr } = await run('prune', ...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
  })
})

describe('damson pause, play and kill', () => {
  it('reach what a process has launched, unless it is asked alone', async () => {
    const { pid } = await untilIt('waiting', await engine.launch(Family, { children: 2 }))
    const paused = async (): Promise<string[]> => {
      const { processes } = await engine.list({ paused: true })
      return processes.map(({ name }) => name)
    }
    await run('pause', pid, '--alone')
    expect(await paused()).toEqual(['Family'])
    await run('play', pid)
    await run('pause', pid)
    expect(await paused()).toEqual(['Word', 'Family'])
    await run('play', pid, '--alone')
    expect(await paused()).toEqual(['Word'])
    await run('kill', pid)
    const { processes } = await engine.list({ state: 'waiting' })
    // What was abandoned lives.
    expect(processes.map(({ abandoned }) => abandoned)).toEqual([true])
    expect(await run('kill', '--all', '--alone')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--alone goes with pids'),
    })
  })
})

/** Looks again at each commit until there is something. */
async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    let changed = (): void => {}
    const change = new Promise<void>((resolve) => (changed = resolve))
    const stop = engine.store.watch(changed)
    try {
      const found = await look()
      if (found !== undefined) return found
      await change
    } finally {
      stop()
    }
  }
}
