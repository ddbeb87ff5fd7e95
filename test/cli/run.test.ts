import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HAS_MORE, runsMore } from '../run/extent.ts'
import { ADD, GATED, SEVERAL } from './modules.ts'
import { Project } from './project.ts'

let project: Project
beforeEach(() => {
  project = new Project({ 'add.ts': ADD, 'several.ts': SEVERAL, 'gated.ts': GATED })
})
afterEach(() => project[Symbol.asyncDispose]())

interface Shown {
  readonly pid: string
  readonly state: string
  readonly outputs: Readonly<Record<string, unknown>>
}

describe('damson run', () => {
  it('runs a process to its end, prints its outputs and exits with 0', async () => {
    const { code, stdout, stderr } = await project.start(['run', 'add.ts', '--inputs', '{"a": 2}']).ended
    expect(stderr).toMatch(/^Add [0-9a-f-]{36} runs in damson\.db\n$/)
    expect(stdout).toBe('{ sum: 3 }\n')
    expect(code).toBe(0)
  })

  it('prints one JSON document, and nothing else, with --json', async () => {
    const { code, stdout } = await project.damson([
      'run',
      'add.ts',
      'Add',
      '-i',
      '{"a": 2, "b": 5}',
      '--json',
    ])
    expect(JSON.parse(stdout)).toMatchObject({
      class: 'Add',
      state: 'finished',
      successful: true,
      inputs: { a: 2, b: 5 },
      outputs: { sum: 7 },
      error: null,
    })
    expect(code).toBe(0)
  })

  it.runIf(runsMore)(
    'keeps stdout to the JSON document also where the process prints something itself',
    HAS_MORE,
    async () => {
      project.write(
        'talks.ts',
        `import { Process } from 'damson'
console.log('loading')
export class Talks extends Process {
  run() {
    console.log('running')
    console.info('still running')
  }
}`,
      )
      const { stdout, stderr } = await project.start(['run', 'talks.ts', '--json']).ended
      expect(JSON.parse(stdout)).toMatchObject({ class: 'Talks', state: 'finished' })
      expect(stderr).toMatch(/^loading\n(.|\n)*running\nstill running\n/)
      expect(stderr).toMatch(/^Talks \S+ runs in damson\.db$/m)
    },
  )

  it.runIf(runsMore)('reads the inputs from a file, or from stdin', HAS_MORE, async () => {
    project.write('in.json', '\uFEFF{"a": 4}')
    const file = await project.damson(['run', 'add.ts', '--inputs', 'in.json'])
    const stdin = await project.damson(['run', 'add.ts', '--inputs', '-'], { stdin: '{"a": 5}' })
    expect([file.stdout, stdin.stdout]).toEqual(['{ sum: 5 }\n', '{ sum: 6 }\n'])
  })

  it('exits with 1 and says the exit code where the process does not succeed', async () => {
    const { code, stderr } = await project.damson(['run', 'add.ts', '-i', '{"a": 200}'])
    expect(code).toBe(1)
    expect(stderr).toContain('failed: ERROR_TOO_LARGE: the sum is above 100')
  })

  it.runIf(runsMore)(
    'exits with 1 and says what was thrown where the process excepts',
    HAS_MORE,
    async () => {
      const { code, stderr, stdout } = await project.damson(['run', 'several.ts', 'Fail'])
      expect(code).toBe(1)
      expect(stdout).toBe('{}\n')
      expect(stderr).toMatch(/Fail \S+ excepted: .*no such atom/)
      expect(stderr).not.toContain('    at ')
    },
  )

  it.runIf(runsMore)('uses the store of --store, else of DAMSON_STORE', HAS_MORE, async () => {
    await project.damson(['run', 'add.ts', '-i', '{"a": 1}'], { env: { DAMSON_STORE: 'mine.db' } })
    await project.damson(['run', 'add.ts', '-i', '{"a": 2}', '--store', 'mine.db'])
    const { processes } = await project.json<{ processes: unknown[] }>('list', '--all', '--store', 'mine.db')
    expect(processes).toHaveLength(2)
  })

  it.runIf(runsMore)(
    'launches once under a key: the second time shows the same process',
    HAS_MORE,
    async () => {
      const first = await project.json<Shown>('run', 'add.ts', '-i', '{"a": 1}', '--key', 'k')
      const again = await project.json<Shown>('run', 'add.ts', '-i', '{"a": 1}', '--key', 'k')
      expect(again.pid).toBe(first.pid)
      const other = await project.damson(['run', 'add.ts', '-i', '{"a": 9}', '--key', 'k'])
      expect(other.code).toBe(2)
      expect(other.stderr).toContain('nothing was launched')
    },
  )

  it('with --no-wait only stores it, and a worker runs it', async () => {
    const { stdout, code } = await project.damson(['run', 'add.ts', '-i', '{"a": 1}', '--no-wait'])
    expect(code).toBe(0)
    const pid = stdout.trim()
    expect(await project.json<Shown>('show', pid)).toMatchObject({ state: 'created' })
    const failing = await project.damson(['run', 'add.ts', '-i', '{"a": 200}', '--no-wait'])
    const worker = project.start(['worker', 'add.ts'])
    await worker.says('ready: runs Add')
    await ends(pid)
    const why = 'exit code 310 ERROR_TOO_LARGE: the sum is above 100'
    await worker.says(`Add ${failing.stdout.trim()} failed in add: ${why}\n`)
    worker.signal('SIGTERM')
    expect((await worker.ended).code).toBe(0)
    expect(await project.json<Shown>('show', pid)).toMatchObject({ state: 'finished', outputs: { sum: 2 } })
  })
})

describe('Ctrl-C', () => {
  it('lets the step end, leaves the process in the store, and a worker goes on with it', async () => {
    const run = project.start(['run', 'gated.ts'])
    await run.says('in step first')
    run.signal('SIGINT')
    await run.says('stopping')
    project.write('first', '')
    const { code, stderr, stdout } = await run.ended
    expect(code).toBe(130)
    expect(stdout).toBe('')
    expect(stderr).toContain('it continues with: damson worker gated.ts --store damson.db')
    const [left] = (await project.json<{ processes: { pid: string; step: string }[] }>('list')).processes
    expect(left).toMatchObject({ step: 'second', state: { label: 'running' } })

    project.write('second', '')
    const worker = project.start(['worker', 'gated.ts'])
    await ends(left?.pid ?? '')
    worker.signal('SIGINT')
    expect(await worker.ended).toMatchObject({ code: 0, stdout: '' })
    const history = await project.json<{ name: string }[]>('history', left?.pid ?? '')
    expect(history.map(({ name }) => name)).not.toContain('crashed')
  })

  it.runIf(runsMore)('the second time ends the program at once', HAS_MORE, async () => {
    const run = project.start(['run', 'gated.ts'])
    await run.says('in step first')
    run.signal('SIGINT')
    await run.says('stopping')
    // One that comes right behind the first counts as the same, so it is sent until it is heard.
    const press = setInterval(() => run.signal('SIGINT'), 20)
    const { code } = await run.ended
    clearInterval(press)
    expect(code).toBe(130)
    const { processes } = await project.json<{ processes: unknown[] }>('list')
    expect(processes).toHaveLength(1)
  })

  it.runIf(runsMore)('prints the outputs of a process that ends while it stops', HAS_MORE, async () => {
    project.write('first', '')
    const run = project.start(['run', 'gated.ts'])
    await run.says('in step second')
    run.signal('SIGINT')
    await run.says('stopping')
    project.write('second', '')
    expect(await run.ended).toMatchObject({ code: 0, stdout: "{ done: 'both' }\n" })
  })

  it('stops a worker cleanly, with a line of JSON for each event and each process that failed', async () => {
    const { Client } = await import('../../src/client/client.ts')
    await using client = await Client.open({ store: project.store, create: true })
    const { pid } = await client.launch('Fail')
    const worker = project.start(['worker', 'add.ts', 'several.ts', '--json', '--concurrency', '2'])
    await worker.prints('"failed"')
    expect((await client.status()).engines).toMatchObject([{ concurrency: 2 }])
    worker.signal('SIGINT')
    const { code, stdout } = await worker.ended
    expect(code).toBe(0)
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toMatchObject([
      { event: 'ready', classes: ['Add', 'Fail', 'Hold'] },
      { event: 'failed', pid, class: 'Fail', state: 'excepted', step: 'run', message: 'no such atom' },
      { event: 'stopped' },
    ])
  })

  it('lets a worker delete ended processes', async () => {
    const { Client } = await import('../../src/client/client.ts')
    await using client = await Client.open({ store: project.store, create: true })
    const { pid } = await client.launch('Fail')
    const worker = project.start(['worker', 'several.ts', '--prune-after', '1ms'])
    await expect.poll(() => client.find(pid), { timeout: 20_000 }).toBe(undefined)
    worker.signal('SIGINT')
    expect(await worker.ended).toMatchObject({ code: 0 })
  })
})

async function ends(pid: string): Promise<void> {
  const { Client } = await import('../../src/client/client.ts')
  await using client = await Client.open({ store: project.store })
  await client.handle(pid).wait()
}
