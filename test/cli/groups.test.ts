import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HAS_MORE, runsMore } from '../run/extent.ts'
import { Client, Process, type ProcessSpec } from '../../src/index.ts'
import { Project } from './project.ts'

const SQUARE = `
import { Process } from 'damson'
export class Square extends Process {
  static define(spec) {
    super.define(spec)
    return spec.input('n', { schema: { type: 'integer' }, default: 3 })
  }
  run() {
    if (this.inputs.n === 13) throw new Error('no luck')
    return this.inputs.n ** 2
  }
}
`

/** The same class, for launches by this program. */
class Square extends Process<typeof Square> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('n', { schema: { type: 'integer' }, default: 3 })
  }
}

let project: Project
beforeEach(() => {
  project = new Project({ 'square.mjs': SQUARE, 'n.jsonl': '{"n": 1}\n\n{"n": 2}\n' })
})
afterEach(() => project[Symbol.asyncDispose]())

/** Stores a group of three, whose first process is killed. */
async function stored(): Promise<readonly string[]> {
  const client = await Client.open({ store: project.store, create: true, processes: [Square] })
  const group = await client.launchAll(Square, [{ n: 1 }, { n: 2 }, { n: 13 }], { group: 'squares' })
  await group.at(0)?.kill('not this one')
  await client.close()
  return group.pids
}

it('shows that the result of a process was dropped, and why', async () => {
  await project.damson(['run', 'square.mjs', '--inputs-file', 'n.jsonl', '--group', 'squares'])
  const client = await Client.open({ store: project.store })
  const group = await client.openGroup({ name: 'squares' })
  await group.at(0)?.purge()
  await client.close()
  const results = await project.damson(['results', '--group', 'squares'])
  expect(results.stdout).toMatch(/finished\s+it was dropped: it was purged\n\s*1\s+\S+\s+finished\s+4\n/)
  expect(results.code).toBe(1)
  const shown = await project.damson(['show', group.pids[0] as string])
  expect(shown.stdout).toMatch(/dropped\s+\S+ \(.* ago\): it was purged/)
  const history = await project.damson(['history', group.pids[0] as string])
  expect(history.stdout).toContain('its result was dropped: it was purged')
})

describe('damson run for several processes', () => {
  it('runs a process for each line of a file, and prints the results in order', async () => {
    const ended = await project.damson([
      'run',
      'square.mjs',
      '--inputs-file',
      'n.jsonl',
      '--group',
      'squares',
    ])
    expect(ended.stdout).toMatch(
      /^\s*#\s+PID\s+STATE\s+RESULT\n\s*0\s+\S+\s+finished\s+1\n\s*1\s+\S+\s+finished\s+4\n$/,
    )
    expect(ended.stderr).toContain('2 of Square run in damson.db as the group squares')
    expect(ended.code).toBe(0)
  })

  it('--count launches that many with the same inputs; --no-wait leaves them to a worker', async () => {
    const launched = await project.json<{ group: string; processes: number }>(
      'run',
      'square.mjs',
      '--count',
      '3',
      '--inputs',
      '{"n": 5}',
      '--no-wait',
      '--group',
      'fives',
    )
    expect(launched).toEqual({ group: 'fives', class: 'Square', processes: 3 })
    const listed = await project.json<{ processes: unknown[] }>('list', '--group', 'fives')
    expect(listed.processes).toHaveLength(3)
  })

  it('names the line whose inputs are wrong, and how to go on', async () => {
    project.write('bad.jsonl', '{"n": 1}\n\n{"n": "two"}\n')
    const args = ['run', 'square.mjs', '--no-wait', '--inputs-file', 'bad.jsonl', '--group', 'g']
    const ended = await project.damson(args)
    expect(ended.stderr).toMatch(
      /^line 3 of bad\.jsonl does not fit: inputs\.n: .*\. The 1 before it are launched as the group g: the same command with --group g adds the others\n$/,
    )
    expect(ended.code).toBe(2)
    project.write('bad.jsonl', '{"n": 1}\n\n{"n": 2\n')
    expect((await project.damson(args)).stderr).toMatch(
      /^line 3 of bad\.jsonl is not valid JSON: line 1, column 8/,
    )
    project.write('bad.jsonl', '{"n": 1}\n7\n')
    expect((await project.damson(args)).stderr).toMatch(/^line 2 of bad\.jsonl must be an object/)
    project.write('bad.jsonl', '{"n": 1}\n{"n": 2}\n')
    expect((await project.damson(args)).stdout).toBe('g\n')
    expect(await project.json('show', '--group', 'g')).toMatchObject({ launched: 2, length: 2 })
  })

  it.runIf(runsMore)('options that do not go together are refused', HAS_MORE, async () => {
    const wrong: readonly (readonly [args: readonly string[], message: string])[] = [
      [['--count', '2', '--inputs-file', 'n.jsonl'], 'give --count or --inputs-file, not both'],
      [['--group', 'g'], '--group goes with --count or --inputs-file'],
      [['--inputs-file', 'n.jsonl', '--inputs', '{}'], 'leave out --inputs'],
      [['--count', '2', '--key', 'k'], '--key is of one process: name the processes by --group'],
      [['--inputs-file', 'none.jsonl'], "can't read the file none.jsonl of inputs: there is none"],
    ]
    for (const [args, message] of wrong) {
      const ended = await project.damson(['run', 'square.mjs', '--no-wait', ...args])
      expect(ended.stderr).toContain(message)
      expect(ended.code).toBe(2)
    }
  })
})

describe('damson groups, show and results', () => {
  it('list the groups with their states', async () => {
    await stored()
    expect((await project.damson(['groups'])).stdout).toMatch(
      /^GROUP\s+PROCESSES\s+STATES\s+AGE\nsquares\s+3\s+2 created, 1 killed\s+\S+\n$/,
    )
    expect(await project.json('groups')).toMatchObject({
      groups: [{ name: 'squares', length: 3, launched: 3, states: { created: 2, killed: 1 } }],
    })
    expect((await project.damson(['show', '--group', 'squares'])).stdout).toMatch(
      /^group\s+squares\nprocesses\s+3\n/,
    )
    const none = await project.damson(['show', '--group', 'cubes'])
    expect(none).toMatchObject({
      code: 2,
      stderr: "there is no group 'cubes' in this store; damson groups lists them\n",
    })
    expect((await project.damson(['groups', '--after', 'x'])).code).toBe(2)
  })

  it('are watched as a whole, also once all have ended, and refused if there is none', async () => {
    await stored()
    await project.damson(['run', 'square.mjs', '--inputs-file', 'n.jsonl', '--group', 'others'])
    expect(await project.damson(['watch', '--group', 'others'])).toMatchObject({
      code: 0,
      stdout: '2 of 2 ended (100 %): 2 finished\n',
    })
    for (const command of ['watch', 'list']) {
      const { code, stderr } = await project.damson([command, '--group', 'other'])
      expect([code, stderr]).toEqual([
        2,
        "there is no group 'other' in this store; damson groups lists them\n",
      ])
    }
  })

  it('lists of failures show the step in which each ended', async () => {
    project.write('n.jsonl', '{"n": 13}\n{"n": 2}\n')
    await project.damson(['run', 'square.mjs', '--inputs-file', 'n.jsonl', '--group', 'some'])
    const { stdout } = await project.damson(['list', '--all', '--group', 'some'])
    expect(stdout).toMatch(/Square +excepted +run +no luck/)
    expect(stdout).toMatch(/Square +finished {3,}/)
  })

  it('print the results in the order of the inputs', async () => {
    const pids = await stored()
    const { code, stdout } = await project.damson(['results', '--group', 'squares', '--json'])
    const { results } = JSON.parse(stdout) as { results: { pid: string; state: string }[] }
    expect(results.map(({ pid }) => pid)).toEqual(pids)
    expect(results[0]).toMatchObject({ state: 'killed', successful: false, message: 'not this one' })
    expect(code).toBe(1)
  })

  it('requests reach the processes of a group', async () => {
    await stored()
    expect((await project.damson(['kill', '--group', 'squares'])).stdout).toBe('2 asked to kill\n')
    expect(await project.json('show', '--group', 'squares')).toMatchObject({ states: { killed: 3 } })
    expect((await project.damson(['kill', 'abc', '--group', 'squares'])).stderr).toContain(
      'give pids or --group, not both',
    )
    expect((await project.damson(['prune', '--group', 'squares', '--yes'])).stdout).toBe(
      '3 processes deleted\n',
    )
    expect((await project.damson(['groups'])).stderr).toBe('there are no groups\n')
  })
})

it('a kill of a group that has ended says so, and of no state that nobody has asked for', async () => {
  await project.damson(['run', 'square.mjs', '--inputs-file', 'n.jsonl', '--group', 'squares'])
  const killed = await project.damson(['kill', '--group', 'squares'])
  expect([killed.code, killed.stderr]).toEqual([
    1,
    'of the matching processes (2 finished), none is unfinished\n',
  ])
})

it('a worker with a label runs what was launched for it, and show, explain and status name the label', async () => {
  const launch = ['run', 'square.mjs', '--inputs-file', 'n.jsonl', '--group', 'squares', '--no-wait']
  await project.damson([...launch, '--worker', 'gpu'])
  const plain = project.start(['worker', 'square.mjs'])
  await plain.says('ready')
  const [group] = JSON.parse((await project.damson(['groups', '--json'])).stdout).groups
  expect(group).toMatchObject({ name: 'squares' })
  const { processes } = JSON.parse((await project.damson(['list', '--json'])).stdout)
  const explained = await project.damson(['explain', processes[0].pid])
  expect(explained.stdout.replaceAll(/\s+/g, ' ')).toContain('damson worker MODULE --label gpu')
  expect((await project.damson(['show', processes[0].pid])).stdout).toMatch(
    /runs in\s+engines with the label gpu/,
  )
  expect((await project.damson(['status'])).stdout).toContain(
    '2 Square are ready, and no engine with the label gpu runs',
  )
  const gpu = project.start(['worker', 'square.mjs', '--label', 'fast', '--label', 'gpu'])
  await gpu.says('ready')
  await project.damson(['watch', '--group', 'squares'])
  const { stdout } = await project.damson(['results', '--group', 'squares', '--json'])
  expect(JSON.parse(stdout).results.map(({ result }: { result: unknown }) => result)).toEqual([1, 4])
  expect((await project.damson(['status'])).stdout).toMatch(/LABELS[^]*fast, gpu/)
  for (const worker of [plain, gpu]) {
    worker.signal('SIGTERM')
    await worker.ended
  }
  const wrong = await project.damson(['worker', 'square.mjs', '--label', ''])
  expect([wrong.code, wrong.stderr]).toEqual([
    2,
    expect.stringContaining('a label has at least one character'),
  ])
})
