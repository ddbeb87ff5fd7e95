import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { Client, Engine, Process, type ProcessHandle, type ProcessSpec, Wait } from '../../src/index.ts'
import { untilRow } from '../engine/over-stores.ts'
import { damson, type Ended } from './in-process.ts'
import { Project } from './project.ts'

/** Fails until its limit is high enough, and pauses then. */
class Limited extends Process<typeof Limited> {
  declare ctx: { limit: number }
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('amount', { schema: { type: 'number' }, default: 15 })
      .output('spent', { schema: { type: 'number' } })
      .retry({ attempts: 1, whenExhausted: 'pause' })
  }
  override run(): Wait {
    this.ctx.limit = 10
    return new Wait(this.spend, { for: 0 })
  }
  spend(): void {
    if (this.inputs.amount > this.ctx.limit) throw new Error('above the limit')
    this.out('spent', this.inputs.amount)
  }
}

class Asks extends Process<typeof Asks> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.signal('answer', { schema: { type: 'number' } })
  }
  override run(): Promise<number> {
    return this.receive('answer')
  }
}

/** Fails after its child, as long as the world is closed. */
class Parent extends Process {
  override async run(): Promise<void> {
    await (await this.launch(Child)).wait()
    if (!world.works) throw new Error('closed')
  }
}

class Child extends Process {
  override run(): void {
    if (!world.works) throw new Error('closed')
  }
}

const world = { works: true }

let project: Project
/** In the part of a worker. */
let engine: Engine
/** `damson` on the store of this test. */
const run = (...args: readonly string[]): Promise<Ended> => damson(...args, '--store', project.store)

beforeEach(async () => {
  project = new Project()
  engine = await Engine.open({
    store: project.store,
    processes: [Limited, Asks, Parent, Child],
    handleSignals: false,
  })
})
afterEach(async () => {
  await engine.close({ drain: 0 })
  await project[Symbol.asyncDispose]()
})

/** Waits for the end of all processes, whoever launched them. */
async function untilAllEnded(): Promise<void> {
  for (;;) {
    const { processes } = await engine.list({ state: ['created', 'running', 'waiting'] })
    if (processes.length === 0) return
    for (const { pid } of processes) await engine.handle(pid).wait()
  }
}

async function stopped(): Promise<ProcessHandle> {
  const handle = await engine.launch(Limited)
  await untilRow(engine.store, handle.pid, ({ paused }) => paused !== null)
  return handle
}

describe('damson edit', () => {
  it('changes a value of a process that stands, which then goes on with it', async () => {
    const handle = await stopped()
    const { pid } = handle
    expect(await run('edit', pid, 'ctx.limit', '20')).toEqual({
      code: 0,
      stdout: `${pid} ctx.limit: 10 -> 20\n`,
      stderr: `it is paused: damson play ${pid} lets it continue with this value\n`,
    })
    expect((await run('edit', pid, 'ctx.limit', '20')).stderr).toContain('has this value already')
    expect((await run('history', pid)).stdout).toContain('ctx.limit changed from 10 to 20')
    await run('play', pid)
    expect(await handle.outputs.all()).toEqual({ spent: 15 })
    const late = await run('edit', pid, 'ctx.limit', '30')
    expect(late).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('what has ended never'),
    })
  })

  it('takes what JSON lacks in its saved form (C10)', async () => {
    const { pid } = await stopped()
    const date = new Date(86_400_000)
    await run('edit', pid, 'ctx.when', `{"$": "Date", "value": "${date.toISOString()}"}`)
    expect((await engine.inspect(pid)).values.ctx).toEqual({ limit: 10, when: date })
  })

  it.each([
    [['ctx.limit', 'twenty'], /ctx\.limit is not valid JSON.*a string needs quotes: '"twenty"'/],
    [['cxt.limit', '1'], /"cxt\.limit" is not a path: it begins with ctx or args/],
    [['ctx.limit.x', '1'], /leads into 10, which has no parts/],
    [['inputs.amount', '1'], /inputs of a process never change: .*damson resubmit \S+ --set inputs.amount=/],
    [['ctx.limit'], /say what to change, and the new value/],
  ])('refuses %j', async (args, words) => {
    const { pid } = await stopped()
    const { code, stdout, stderr } = await run('edit', pid, ...args)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(words)
  })
})

it('restart and resubmit give the new process other values, and a second time only with --again', async () => {
  const old = await stopped()
  await old.kill()
  const restarted = await run('restart', old.pid, '--set', 'ctx.limit=20', '--wait')
  expect(restarted).toMatchObject({ code: 0, stderr: `restarted from ${old.pid}\n` })
  const [first = ''] = restarted.stdout.split(' ')
  const again = await run('restart', old.pid)
  expect(again).toMatchObject({ code: 2, stdout: '' })
  expect(again.stderr).toContain(
    `is superseded by ${first} (finished). Give --again to restart ${old.pid} anyway`,
  )
  const resubmitted = await run('resubmit', old.pid, '--again', '--set', 'inputs.amount=5', '--wait')
  expect(resubmitted).toMatchObject({ code: 0, stderr: `resubmitted from ${old.pid}\n` })
  const [source = ''] = resubmitted.stdout.split(' ')
  const refer = (reference: object): Promise<Ended> =>
    run('resubmit', old.pid, '--again', '--wait', '--set', `inputs.amount=${JSON.stringify(reference)}`)
  expect(await refer({ $process: source, output: 'spent' })).toMatchObject({ code: 0 })
  expect(await refer({ $process: source, key: 'spent' })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('inputs.amount: a reference is {"$process": "PID"}'),
  })
  for (const args of [
    ['--set', 'ctx.limit'],
    ['--set', 'ctx.limit=1', '--set', 'ctx.limit=2'],
    ['--set', 'inputs.amount=1'],
  ])
    expect((await run('restart', old.pid, '--again', ...args)).code).toBe(2)
  const wrong = await run('resubmit', old.pid, '--again', '--set', 'inputs.amount="much"')
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('inputs.amount: must be number') })
})

it('many are played, retried, restarted, signalled and killed by one command', async () => {
  const failed = [await stopped(), await stopped()]
  const held = await stopped()
  await held.pause('audit')
  const dry = await run('play', '--all', '--dry-run', '--json')
  expect(JSON.parse(dry.stdout)).toEqual({
    wouldReach: 2,
    processes: failed.map(({ pid }) => pid).toReversed(),
  })
  expect((await run('play', '--all', '--dry-run')).stdout).toMatch(
    /Limited[^]*\n2 processes would be played\n$/,
  )
  expect(await run('retry', held.pid)).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/paused on purpose .*: damson play \S+ lets it continue/),
  })
  expect(await run('play', '--all')).toEqual({
    code: 0,
    stdout: '2 played\n',
    stderr: '1 paused on purpose stay paused; --deliberate plays them too\n',
  })
  for (const { pid } of failed) await untilRow(engine.store, pid, ({ paused }) => paused !== null)
  expect((await run('retry', '--all', '--json')).stdout).toBe('{"retried":2}\n')
  for (const { pid } of failed) await untilRow(engine.store, pid, ({ paused }) => paused !== null)
  expect(await run('play', '--all', '--deliberate', '--class', 'Asks')).toEqual({
    code: 1,
    stdout: '0 played\n',
    stderr: 'no process matches\n',
  })

  const asked = [await engine.launch(Asks), await engine.launch(Asks)]
  const loose = await run('signal', '--all', 'answer', '7')
  expect(loose).toMatchObject({ code: 2, stderr: expect.stringContaining("there is no signal 'answer'") })
  const silent = await engine.launch(Asks)
  await silent.pause('lunch')
  expect(await run('signal', '--all', '--class', 'Asks', 'answer', '7')).toEqual({
    code: 0,
    stdout: 'the signal answer is stored for 2 processes\n',
    stderr: '1 paused on purpose get no signal; --deliberate reaches them too\n',
  })
  await silent.kill('lunch is over', { force: true })
  await silent.wait()
  expect(await run('play', silent.pid)).toMatchObject({ code: 1, stderr: expect.stringContaining('ended') })
  for (const handle of asked) expect(await handle.result()).toBe(7)

  const unsure = await run('kill', '--all')
  expect(unsure).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/would kill 3 processes \(3 Limited\) in .*--yes/),
  })
  expect((await run('kill', '--all', '--yes')).stdout).toBe('3 asked to kill\n')
  expect(await run('restart', '--all')).toEqual({
    code: 1,
    stdout: '0 restarted\n',
    stderr:
      'of the matching processes (2 finished, 4 killed), none ended without success and is not superseded\n',
  })
  const killed = ['--all', '--state', 'killed', '--class', 'Limited']
  const wrong = await run('resubmit', ...killed, '--set', 'inputs.amount="much"')
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('inputs.amount: must be number') })
  expect((await run('resubmit', ...killed, '--set', 'inputs.amount=5')).stdout).toBe('3 resubmitted\n')
  expect((await run('restart', ...killed)).stdout).toBe('0 restarted\n')
  const { processes } = await engine.list({ className: 'Limited', limit: 3 })
  for (const { pid } of processes) expect(await engine.handle(pid).outputs.all()).toEqual({ spent: 5 })
})

describe.each(['restart', 'resubmit'] as const)('damson %s', (name) => {
  beforeEach(() => (world.works = false))
  const done = { restart: 'restarted', resubmit: 'resubmitted' }[name]

  it('begins the work of no process twice, however often it runs', async () => {
    const group = await engine.launchAll(Parent, [{}, {}], { group: 'night' })
    await group.wait()
    const [old = ''] = group.pids
    const [child] = (await engine.list({ parent: old })).processes
    const both = await run(name, old, child?.pid ?? '')
    expect(both).toMatchObject({ code: 2, stdout: '' })
    expect(both.stderr).toContain(`was launched below ${old}, which launches again what it needs. Leave`)
    expect(await run(name, '--all', '--dry-run')).toMatchObject({
      stdout: expect.stringContaining(`\n2 processes would be ${done}\n`),
    })
    expect(await run(name, '--group', 'night')).toEqual({ code: 0, stdout: `2 ${done}\n`, stderr: '' })
    const [newest] = (await engine.list({ origin: old })).processes
    await engine.handle(newest?.pid ?? '').wait()
    // A descendant of a superseded process is superseded too.
    for (const pid of [old, child?.pid ?? '']) {
      const refused = await run(name, pid)
      expect(refused).toMatchObject({ code: 2, stdout: '' })
      expect(refused.stderr).toContain(`${pid} is superseded by ${newest?.pid} (excepted)`)
      expect((await run('explain', pid)).stdout).toContain(newest?.pid ?? '')
      expect((await run('show', pid)).stdout).toMatch(new RegExp(`superseded by +${newest?.pid}`))
      expect((await run('history', pid)).stderr).toContain(`superseded by ${newest?.pid} (excepted)`)
    }
    const again = await run(name, '--group', 'night')
    expect(again).toMatchObject({ code: 1, stdout: `0 ${done}\n` })
    expect(again.stderr).toContain(
      '2 processes of the group are superseded and left out; --all without --group reaches the newer ones',
    )
    await untilAllEnded()
    world.works = true
    expect(await run(name, '--all')).toEqual({ code: 0, stdout: `2 ${done}\n`, stderr: '' })
    await untilAllEnded()
    expect(await run(name, '--all')).toMatchObject({ code: 1, stdout: `0 ${done}\n` })
    expect((await run('list', '--state', 'unrepaired')).stdout).not.toMatch(/Parent|Child/)
    expect(await engine.count({ successful: true })).toMatchObject({ finished: 4 })
  })
})

it('what fails again while many are played is not said to be paused on purpose', async () => {
  const { pid } = await stopped()
  const { playAll } = Client.prototype
  const played = vi.spyOn(Client.prototype, 'playAll').mockImplementation(async function (
    this: Client,
    ...args
  ) {
    const count = await playAll.apply(this, args)
    await untilRow(engine.store, pid, ({ paused }) => paused !== null)
    return count
  })
  onTestFinished(() => played.mockRestore())
  expect(await run('play', '--all')).toEqual({ code: 0, stdout: '1 played\n', stderr: '' })
})

it.each([
  [['retry'], /say what to retry: pids, --key KEY, --group NAME, or --all/],
  [['restart', 'x', '--all'], /give pids or --all, not both/],
  [['restart', '--all', '--from', 'tag'], /--from goes with a pid/],
  [['kill', 'x', '--yes'], /--yes goes with kill --all/],
  [['signal', '--all', 'x', 'answer', '1'], /give pids or --all, not both/],
  [['kill', 'x', '--dry-run'], /--dry-run goes with --all/],
  [['signal', 'x', 'answer', '--label', 'l'], /--state, --class and --label go with --all/],
])('refuses %j', async (args, words) => {
  const { code, stderr } = await run(...args)
  expect(code).toBe(2)
  expect(stderr).toMatch(words)
})

it('resume says where a wait is for something that a resume does not end', async () => {
  const handle = await engine.launch(Asks)
  await untilRow(engine.store, handle.pid, ({ state }) => state === 'waiting')
  const { stdout, stderr } = await run('resume', handle.pid, '7')
  expect(stdout).toContain('the resume is stored for it')
  expect(stderr).toContain(`a resume does not end: damson signal ${handle.pid} answer does`)
})
