import { afterEach, describe, expect, it, vi } from 'vitest'
import stringWidth from 'string-width'
import {
  Engine,
  Process,
  Wait,
  while_,
  WorkChain,
  type ProcessSpec,
  type WorkChainSpec,
} from '../../src/index.ts'
import { SimulatedClock, TestBench } from '../../src/testing/index.ts'
import { untilWaiting } from '../engine/over-stores.ts'
import { damson } from './in-process.ts'
import { Project } from './project.ts'

/*
 * What an operator types, and what the terminal shows, of the commands about groups, actors and pictures. As in
 * session.test.ts, all happened three days ago.
 */

const DAYS = 3 * 86_400_000 + 60_000

class Import extends Process<typeof Import> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('page', { schema: { type: 'number' } })
      .outputNamespace('sales', { dynamic: true })
      .exitCode(
        310,
        'ERROR_NO_PAPER',
        '棚に紙がありません: there is no paper on the shelf, and none comes before {day}',
      )
  }
  override run(): unknown {
    const { page } = this.inputs
    this.progress({ done: page, total: 6, message: `頁 ${page}` })
    if (page === 2)
      throw new Error(
        'line 3 of orders-of-the-night-run.csv is no CSV, and 表の列が足りません: a column is missing',
      )
    if (page === 3) return this.exitCodes.ERROR_NO_PAPER({ day: '月曜日' })
    if (page === 4) return new Wait(undefined, { message: '承認待ち: for the boss to approve the page' })
    if (page === 5)
      return { best: 'a parcel with a long name for 東京都千代田区千代田1-1, which nobody has called for' }
    this.out('sales.東京', { parcels: [12, 7, 40], at: new Date(0) })
    return undefined
  }
}

class Counter {
  names: string[] = []
  add(name: string): unknown {
    this.names.push(name)
    return {
      names: this.names,
      合計: this.names.length,
      'a long name of a field':
        'a long text, 長いテキスト, that goes on until it is wider than eighty columns',
    }
  }
  fail(): void {
    throw new Error(
      '棚に紙がありません: there is no paper on the shelf, and the next delivery is on Monday, as ever',
    )
  }
}

class Relaxation extends WorkChain<typeof Relaxation> {
  declare ctx: { round: number }
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec.outline(
      Relaxation.prototype.setup,
      while_(Relaxation.prototype.isNotConverged)(Relaxation.prototype.relax, Relaxation.prototype.ask),
    )
  }
  setup(): void {
    this.ctx.round = 0
  }
  isNotConverged(): boolean {
    return this.ctx.round++ < 3
  }
  relax(): void {}
  ask(): Wait {
    return new Wait(undefined, { message: '承認待ち: for the boss to approve the round' })
  }
}

/** The same class as a module of a user, with ports that have long and wide texts. */
const CHAIN = `
import { WorkChain, while_ } from 'damson'
export class Relaxation extends WorkChain {
  static define(spec) {
    super.define(spec)
    return spec
      .input('material', { schema: { type: 'string' }, required: false, help: '材料の名前（元素記号）: the chemical formula of the material, as in SiO2' })
      .output('energy', { schema: { type: 'number' } })
      .signal('approval', { schema: { type: 'boolean' }, help: 'by the boss' })
      .outline(this.prototype.setup, while_(this.prototype.isNotConverged)(this.prototype.relax, this.prototype.ask))
  }
  setup() {}
  isNotConverged() {}
  relax() {}
  ask() {}
}
`

/** One after the other, in one store. */
const COMMANDS: readonly (readonly string[])[] = [
  ['groups'],
  ['show', '--group', 'the night run of 東京'],
  ['results', '--group', 'the night run of 東京'],
  ['results', '--group', 'the nihgt run'],
  ['results'],
  ['watch', '--group', 'the night run of 東京', '--timeout', '1ms'],
  ['watch', '--key', 'the chain', '--timeout', '1ms'],
  ['watch', '--class', 'Exprt'],
  ['watch', '--group', 'the night run of 東京', '--timeout', '1ms', '--json'],
  ['resubmit', '--group', 'the night run of 東京'],
  ['resubmit', '--group', 'the night run of 東京'],
  ['kill', '--group', 'the night run of 東京', '--yes'],
  ['kill', '--group', 'the night run of 東京', '--yes'],
  ['actors'],
  ['call', 'counter', 'add', '["アン"]', '--wait'],
  ['call', 'counter', 'fail', '--wait'],
  ['call', 'counter', 'ad', '--wait'],
  ['call', 'counter', 'add', '["Bob"]', '--label', '長いラベル'],
  ['call', 'counter', 'add', '["Bob"'],
  ['call', 'the ch', 'add'],
  ['call', '019b0000-0000-7000-8000-0000000000c1', 'add'],
  ['graph', 'CHAIN', 'Relaxation'],
  ['graph', 'CHAIN', '--key', 'the chain'],
  ['graph', 'CHAIN', 'Relax'],
  ['graph', '--states'],
  ['graph'],
]

afterEach(() => {
  vi.unstubAllEnvs()
})

async function makeStore(path: string): Promise<void> {
  const clock = new SimulatedClock({ start: Date.now() - DAYS })
  const bench = await TestBench.open({ store: path, clock, processes: [Import, Relaxation] })
  const { client } = bench
  const pages = [1, 2, 3, 4, 5].map((page) => ({ page }))
  const group = await client.launchAll(Import, pages, { group: 'the night run of 東京', label: '長いラベル' })
  for (const handle of group.handles) await bench.untilWaiting(handle)
  await client.launchAll('Legacy', [{}, {}], { group: 'old' })
  const chain = await bench.launch(
    Relaxation,
    {},
    { key: 'the chain', pid: '019b0000-0000-7000-8000-0000000000c1' },
  )
  await bench.untilWaiting(chain)
  await bench.close()
}

const COLOUR = new RegExp(String.raw`\u001B\[\d+m`, 'g')

describe('a session with groups, actors and pictures', () => {
  it.each([
    [80, 'without colours', { NO_COLOR: '1' }],
    [80, 'with colours', { NO_COLOR: '', FORCE_COLOR: '1' }],
    [200, 'without colours', { NO_COLOR: '1' }],
  ])('is as recorded at %d columns, %s', async (width, _, colours) => {
    // The service of the loader begins in the folder of the tests, since that of the project is removed.
    await import('esbuild')
    await using project = new Project({ 'chain.mjs': CHAIN })
    await makeStore(project.store)
    await using engine = await Engine.open({ store: project.store, actors: [Counter], handleSignals: false })
    const counter = await engine.actor(Counter, [], { id: 'counter of 東京' })
    await untilWaiting(engine.store, counter.id)
    for (const [name, value] of Object.entries({ COLUMNS: String(width), TZ: 'UTC', ...colours }))
      vi.stubEnv(name, value)
    const shown: string[] = []
    let coloured = 0
    for (const args of COMMANDS) {
      const ended = await damson(
        ...args.map((arg) => (arg === 'CHAIN' ? `${project.folder}/chain.mjs` : arg)),
        '--store',
        project.store,
      )
      const stdout = ended.stdout.replaceAll(COLOUR, '')
      if (stdout !== ended.stdout) coloured++
      const code = ended.code === 0 ? '' : `exit code ${ended.code}\n`
      shown.push(`$ damson ${args.join(' ')}\n${stdout}${ended.stderr}${code}`)
      const isTable = /^(groups|results|actors)$/.test(args[0] ?? '')
      for (const line of isTable ? stdout.split('\n') : [])
        expect([line, stringWidth(line) <= width]).toEqual([line, true])
    }
    // A picture is text for other programs, and has no colours.
    expect(coloured > 0).toBe('FORCE_COLOR' in colours)
    const text = shown
      .join('\n')
      .replaceAll(project.store, 'damson.db')
      .replaceAll(`${project.folder}/`, '')
      .replaceAll(/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, (time) =>
        time.startsWith('1970') ? time : 'THE TIME OF THE EVENT...',
      )
      .replaceAll(/\b(?!019b0000)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'NEW PID')
      .replaceAll(/(?<=CALLS {2}STATUS) +AGE$/gm, '  AGE')
      .replaceAll(/(?<=waits to be called) +\d+m?s$/gm, '  NOW')
      .replaceAll(/^(\d {2})[0-9a-f]{6}/gm, '$1ENDING')
    await expect(text).toMatchFileSnapshot(`screens/group-session-${width}.txt`)
  })
})
