import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADD, SEVERAL } from './modules.ts'
import { Project } from './project.ts'

let project: Project
let added: string
let failed: string
let held: string

beforeAll(async () => {
  project = new Project({ 'add.ts': ADD, 'several.ts': SEVERAL })
  const pid = async (...args: readonly string[]): Promise<string> =>
    (await project.json<{ pid: string }>(...args)).pid
  added = await pid('run', 'add.ts', '-i', '{"a": 2}', '--label', 'first sum')
  failed = await pid('run', 'several.ts', 'Fail')
  held = await pid('run', 'several.ts', 'Hold', '--no-wait')
})
afterAll(() => project[Symbol.asyncDispose]())

interface Listed {
  readonly processes: readonly { readonly pid: string; readonly name: string }[]
  readonly more: boolean
}

describe('damson list', () => {
  it('shows the unfinished processes in a table', async () => {
    const { stdout, code } = await project.damson(['list'])
    expect(code).toBe(0)
    const [headings, row, ...rest] = stdout.trimEnd().split('\n')
    expect(headings).toMatch(/^PID +CLASS +STATE +STEP +STATUS +AGE$/)
    expect(row).toMatch(new RegExp(`^${held.slice(-6)} +Hold +created +run +`))
    expect(rest).toEqual([])
  })

  it('shows ended processes too with --all, newest first; ps is the same', async () => {
    const { stdout } = await project.damson(['ps', '--all'])
    expect(stdout.split('\n').map((line) => line.split(' ')[0])).toEqual([
      'PID',
      ...[held, failed, added].map((pid) => pid.slice(-6)),
      '',
    ])
    expect(stdout).toMatch(/Add +finished +first sum/)
    expect(stdout).toMatch(/Fail +excepted .*no such atom/)
  })

  it.each([
    ['state', ['--state', 'excepted,killed'], () => [failed]],
    ['class', ['--all', '--class', 'Add'], () => [added]],
    ['text', ['--all', '--text', 'FIRST'], () => [added]],
    ['label', ['--all', '--label', 'first sum'], () => [added]],
    ['the whole label', ['--all', '--label', 'first'], () => []],
    ['failure', ['--state', 'failed'], () => [failed]],
    ['readiness', ['--state', 'ready'], () => [held]],
    ['a state that is another one', ['--state', 'created,paused'], () => []],
    ['a duration', ['--all', '--since', '1d'], () => [held, failed, added]],
    ['a date', ['--all', '--since', '2100-01-31'], () => []],
    ['limit', ['--all', '--limit', '2'], () => [held, failed]],
  ])('filters by %s', async (_, args, expected) => {
    const { processes } = await project.json<Listed>('list', ...args)
    expect(processes.map(({ pid }) => pid)).toEqual(expected())
  })

  it('reports in JSON whether there are more', async () => {
    expect(await project.json('list', '--all', '--limit', '2')).toMatchObject({ more: true })
    expect(await project.json('list', '--all')).toMatchObject({ more: false })
  })

  it('continues after the end of an earlier list with --after, and refuses any other text', async () => {
    const first = await project.json<{ next: string }>('list', '--all', '--limit', '2')
    const { stderr } = await project.damson(['list', '--all', '--limit', '2'])
    expect(stderr).toContain(`there are more: --after ${first.next} shows the next ones`)
    const second = await project.json<Listed>('list', '--all', '--after', first.next)
    expect(second).toEqual({ processes: [expect.objectContaining({ pid: added })], more: false })
    expect(await project.damson(['list', '--after', 'that'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--after takes what a list'),
    })
    expect((await project.damson(['list', '--since', 'yesterday'])).code).toBe(2)
  })

  it.each([
    [
      ['--class', 'add'],
      /^no process matches: there is no class 'add' in this store; did you mean 'Add'\?$/m,
    ],
    [['--text', 'H2O'], /^no process matches: --text searches .* but not inputs$/m],
    [['--state', 'xyzzyxyzzy'], /there are created, .*, unrepaired$/m],
    [['--since', 'yesterday'], /is neither a duration, such as 2h, nor a date/],
    [['--store', 'dam.db'], /there is no store dam\.db here; .*there is damson\.db$/m],
  ])('says what is wrong with %j', async (args, words) => {
    expect((await project.damson(['list', ...args])).stderr).toMatch(words)
  })

  it('reports on stderr that only ended processes match', async () => {
    const { stdout, stderr } = await project.damson(['list', '--class', 'Add'])
    expect(stdout).toBe('')
    expect(stderr).toContain('--all shows them too')
  })
})

describe('damson show', () => {
  it('shows inputs, outputs and state, for a shortened pid', async () => {
    const { stdout } = await project.damson(['show', added.slice(0, -1)])
    expect(stdout).toMatch(/^state +finished$/m)
    expect(stdout).toMatch(/^inputs +\{ a: 2, b: 1, options: \{\} \}$/m)
    expect(stdout).toMatch(/^outputs +\{ sum: 3 \}$/m)
  })

  it('shows an error with its cause and the line of TypeScript that threw it', async () => {
    const { stdout } = await project.damson(['show', failed])
    expect(stdout).toMatch(/^state +excepted$/m)
    expect(stdout).toMatch(/no such atom/)
    expect(stdout).toMatch(/several\.ts:6/)
    expect(stdout).toMatch(/cause.*symbol Xx/)
  })

  it('prints values in their saved form with --json', async () => {
    expect(await project.json('show', failed)).toMatchObject({
      state: 'excepted',
      error: { $: 'Error', message: 'no such atom', cause: { $: 'Error', class: 'RangeError' } },
    })
  })
})

describe('damson describe', () => {
  it('shows ports with type, need and help', async () => {
    const { stdout, code } = await project.damson(['describe', 'add.ts'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^a +number +required +first summand$/m)
    expect(stdout).toMatch(/^b +number, minimum 0 +default 1$/m)
    expect(stdout).toMatch(/^options\.note +string +optional$/m)
    expect(stdout).toMatch(/^sum +number +required$/m)
    expect(stdout).toMatch(/^310 +ERROR_TOO_LARGE +the sum is above \{limit\}$/m)
  })

  it('prints JSON Schema with --json: of one class, or of all', async () => {
    expect(await project.json('describe', 'add.ts', 'Add')).toMatchObject({
      name: 'Add',
      inputs: { type: 'object', required: ['a'], properties: { b: { type: 'number', default: 1 } } },
      outputs: { properties: { sum: { type: 'number' } } },
    })
    expect(await project.json('describe', 'several.ts')).toMatchObject([{ name: 'Fail' }, { name: 'Hold' }])
  })
})

describe('damson history', () => {
  it('is a time line from the creation to the end', async () => {
    const { stdout } = await project.damson(['history', added])
    const lines = stdout.trimEnd().split('\n')
    expect(lines[0]).toMatch(/^TIME +SINCE START +SINCE LAST +WHAT +BY$/)
    expect(lines[1]).toMatch(/^\S+Z +0\.000 s +created/)
    expect(lines.at(-1)).toMatch(/ s +\+\S+ s +finished/)
  })

  it('is a list of records with --json', async () => {
    const records = await project.json<{ name: string; pid: string }[]>('history', failed)
    expect(records.map(({ name }) => name)).toEqual(expect.arrayContaining(['created', 'excepted']))
    expect(new Set(records.map(({ pid }) => pid))).toEqual(new Set([failed]))
  })
})

describe('damson explain', () => {
  it('explains why a process is not moving', async () => {
    const { stdout } = await project.damson(['explain', held])
    expect(stdout).toContain(`Hold ${held} has been created`)
    expect(stdout).toContain('no engine runs on this store: start one with `damson worker MODULE`')
    expect(await project.json('explain', held)).toEqual({
      pid: held,
      explanation: expect.stringContaining('no engine runs'),
    })
  })
})
