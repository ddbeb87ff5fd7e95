import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Client } from '../../src/index.ts'
import { damson, type Ended } from './in-process.ts'
import { SEVERAL } from './modules.ts'
import { Project } from './project.ts'

let project: Project
const run = (...args: readonly string[]): Promise<Ended> => damson(...args, '--store', project.store)

beforeAll(async () => {
  project = new Project({ 'several.ts': SEVERAL })
  await using client = await Client.open({ store: project.store, create: true })
  for (const pid of ['ship-1', 'ship-2', 'boat-2', '2-go']) {
    await client.launch('Hold', {}, { pid, key: `the ${pid}` })
  }
})
afterAll(() => project[Symbol.asyncDispose]())

describe('a process', () => {
  it('is named by its pid, or by a beginning or ending that no other pid has', async () => {
    for (const text of ['ship-1', '1', 'p-1']) {
      expect(JSON.parse((await run('show', text, '--json')).stdout)).toMatchObject({ pid: 'ship-1' })
    }
    expect((await run('explain', 'boat')).stdout).toContain('Hold boat-2 has been created')
    expect((await run('history', 't-2')).stdout).toContain('created')
    expect((await run('tree', '2-')).stdout).toContain('Hold 2-go  created')
  })

  it('is refused where several pids begin or end alike, which are then listed', async () => {
    const { code, stderr } = await run('show', '2')
    expect(code).toBe(2)
    expect(stderr).toMatch(/^several pids begin or end with 2; give more of it\nPID +CLASS +STATE\n/)
    expect(stderr.split('\n').map((line) => line.split(' ')[0])).toEqual(
      expect.arrayContaining(['2-go', 'boat-2', 'ship-2']),
    )
    expect(await run('show', 'x')).toMatchObject({ code: 2, stderr: expect.stringContaining('no process x') })
  })

  it.each([
    ['show', (out: string) => expect(out).toMatch(/^pid +boat-2$/m)],
    ['explain', (out: string) => expect(out).toContain('Hold boat-2 has')],
    ['history', (out: string) => expect(out).toContain('created')],
    ['tree', (out: string) => expect(out).toContain('boat-2')],
    ['logs', (out: string) => expect(out).toBe('')],
    ['list', (out: string) => expect(out).toContain('boat-2')],
  ])('is named by its key in %s', async (command, check) => {
    const { code, stdout } = await run(command, '--key', 'the boat-2')
    expect(code).toBe(0)
    check(stdout)
    expect(stdout).not.toContain('ship')
  })

  it('is named by its key where it is controlled', async () => {
    const key = ['--key', 'the boat-2']
    const pausedBoat = { code: 0, stdout: 'boat-2 created, paused\n' }
    expect(await run('pause', ...key)).toMatchObject(pausedBoat)
    expect(await run('play', 'ship-1', ...key)).toMatchObject({
      code: 1,
      stderr: 'ship-1 created: it is not paused, so there is nothing to play\n',
      stdout: expect.stringContaining('boat-2 created\n'),
    })
    expect((await run('signal', ...key, 'word', '1')).stderr).not.toContain('no process')
    expect(await run('resume', ...key, '1')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^boat-2 /),
    })
    expect(await run('edit', ...key, 'ctx.speed', '3')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('ctx.speed'),
    })
    expect(await run('kill', ...key)).toMatchObject({ code: 0, stdout: 'boat-2 killed\n' })
    expect((await run('watch', ...key)).stdout).toContain('boat-2')
    expect(await run('retry', ...key)).toMatchObject({ code: 0, stderr: 'restarted from boat-2\n' })
    expect((await run('restart', ...key, '--again')).stderr).toBe('restarted from boat-2\n')
    expect((await run('resubmit', ...key, '--again')).stderr).toContain('resubmitted from boat-2')
    const graph = await run('graph', project.write('several.ts', SEVERAL), ...key)
    expect(graph.stdout).toContain('killed')
    expect(await run('prune', ...key, '--yes')).toMatchObject({ code: 0, stdout: '1 process deleted\n' })
    expect(await run('show', ...key)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no process of this store has the key "the boat-2"'),
    })
  })

  it('is named by its key in the help of every command that takes a pid', async () => {
    const commands = (await damson('--help')).stdout.matchAll(/^ {2}([a-z]+)(?:\|[a-z]+)? .*\[options\]/gm)
    const helps = await Promise.all(Array.from(commands, ([, name = '']) => damson(name, '--help')))
    const ofPids = helps.filter(({ stdout }) => /^ {2}pid /m.test(stdout))
    expect(ofPids.length).toBeGreaterThan(10)
    for (const { stdout } of ofPids) expect(stdout).toMatch(/^ {2}--key <key> /m)
  })

  it.each([
    [['show'], 'say which process'],
    [['signal', 'ship-1'], 'say which signal'],
    [['show', 'ship-1', '--key', 'the ship-1'], 'give a pid or --key, not both'],
    [['signal', 'ship-1', 'word', '1', '--key', 'the ship-1'], 'give a pid or --key, not both'],
    [['kill', '--all', '--key', 'the ship-1'], 'give pids or --all, not both'],
    [['graph', '--states', '--key', 'the ship-1'], 'give it alone'],
  ])('is refused in %j', async (args, message) => {
    const { code, stderr } = await run(...args)
    expect(code).toBe(2)
    expect(stderr).toContain(message)
  })
})
