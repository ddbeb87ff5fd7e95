import { afterEach, describe, expect, it, vi } from 'vitest'
import stringWidth from 'string-width'
import { Process, Wait, type ProcessSpec } from '../../src/index.ts'
import { SimulatedClock, TestBench } from '../../src/testing/index.ts'
import { damson } from './in-process.ts'
import { Project } from './project.ts'

/*
 * What an operator types, and what the terminal shows, of the commands that change something or are about many. All
 * happened three days ago, so that each age is the same in every run.
 */

const DAYS = 3 * 86_400_000 + 60_000

class Order extends Process<typeof Order> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('item', { schema: { type: 'string' } })
      .signal('approval', { schema: { type: 'boolean' } })
  }
  override run(): Wait {
    this.ctx['limit'] = 10
    return new Wait(undefined, {
      receive: 'approval',
      message: '承認待ち: for the boss to approve the order',
    })
  }
}

class Import extends Process {
  override run(): void {
    throw new Error(
      'line 3 of orders-of-the-night-run.csv is no CSV, and 表の列が足りません: a column is missing',
    )
  }
}

class Payment extends Process<typeof Payment> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.retry({ attempts: 1, whenExhausted: 'pause' })
  }
  override run(): void {
    this.print('paying')
    throw new Error('the bank is closed')
  }
}

const pid = (end: string): string => `019b0000-0000-7000-8000-${end.padStart(12, '0')}`

/** One after the other, in one store. */
const COMMANDS: readonly (readonly string[])[] = [
  ['status'],
  ['list'],
  ['list', '--state', 'gave-up,paused'],
  ['list', '--state', 'unrepaired', '--limit', '1'],
  ['list', '--class', 'Ordr'],
  ['show', '--key', 'the order of Ann'],
  ['explain', 'c1'],
  ['explain', 'b1'],
  ['history', 'c1', '--limit', '2'],
  ['logs', 'c1'],
  ['show', '000'],
  ['actors'],
  ['groups'],
  ['kill', '--all'],
  ['kill', '--all', '--class', 'Order', '--dry-run'],
  ['pause', 'a1', '--message', 'until the audit is over'],
  ['play', '--all'],
  ['pause', 'b1'],
  ['signal', '--all', '--class', 'Order', 'approval', '"yes"'],
  ['signal', '--all', '--class', 'Order', 'approval', 'true'],
  ['signal', 'a1', 'approval', 'true'],
  ['resume', 'a2', 'true'],
  ['edit', 'a1', 'ctx.limit', '20'],
  ['edit', 'a1', 'inputs.item', '"pen"'],
  ['retry', '--all', '--class', 'Payment', '--dry-run'],
  ['retry', 'c1'],
  ['restart', '--all', '--dry-run'],
  ['restart', 'a1'],
  ['kill', 'a1', '--message', 'fraud'],
  ['list', '--all'],
  ['tree'],
  ['prune'],
  ['prune', '--older-than', '5d', '--yes'],
  ['resubmit', 'b1'],
  ['resubmit', 'b1'],
  ['restart', '--all'],
  ['prune', '--older-than', '2d', '--class', 'Import', '--yes'],
]

afterEach(() => {
  vi.unstubAllEnvs()
})

/** A store with trouble of several kinds, that no engine runs. */
async function makeStore(path: string): Promise<void> {
  const clock = new SimulatedClock({ start: Date.now() - DAYS })
  const bench = await TestBench.open({ store: path, clock, processes: [Import, Order, Payment] })
  const wide = '長いラベル、とても長い名前の注文です'
  const launched = [
    await bench.launch(Order, { item: 'a book' }, { pid: pid('a1'), key: 'the order of Ann' }),
    await bench.launch(Order, { item: 'a pen' }, { pid: pid('a2'), label: wide }),
    await bench.launch(Import, {}, { pid: pid('b1'), label: 'the import of the night run of January' }),
    await bench.launch(Import, {}, { pid: pid('b2') }),
    await bench.launch(Payment, {}, { pid: pid('c1') }),
  ]
  for (const handle of launched) await bench.untilWaiting(handle)
  await bench.client.launch('Legacy', {}, { pid: pid('d1') })
  await bench.close()
}

/** A command to be copied, or a remark, which breaks on a terminal only. */
const IS_WIDE = /^ {6}damson|^(there are more|no process matches|of the matching)/
const COLOUR = new RegExp(String.raw`\u001B\[\d+m`, 'g')

describe('a session of an operator', () => {
  it.each([
    [80, 'without colours', { NO_COLOR: '1' }],
    [80, 'with colours', { NO_COLOR: '', FORCE_COLOR: '1' }],
    [200, 'without colours', { NO_COLOR: '1' }],
  ])('is as recorded at %d columns, %s', async (width, _, colours) => {
    await using project = new Project()
    await makeStore(project.store)
    for (const [name, value] of Object.entries({ COLUMNS: String(width), TZ: 'UTC', ...colours }))
      vi.stubEnv(name, value)
    const shown: string[] = []
    for (const args of COMMANDS) {
      const ended = await damson(...args, '--store', project.store)
      const stdout = ended.stdout.replaceAll(COLOUR, '')
      const code = ended.code === 0 ? '' : `exit code ${ended.code}\n`
      shown.push(`$ damson ${args.join(' ')}\n${stdout}${ended.stderr}${code}`)
    }
    const text = shown
      .join('\n')
      .replaceAll(project.store, 'damson.db')
      .replaceAll(/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'THE TIME OF THE EVENT...')
      .replaceAll(/(?<=--after )\d+(?=:)/g, 'CURSOR')
      .replaceAll(/\b(?!019b0000)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'NEW PID')
    // A fact of `show` is whole, and a command is to be copied.
    const tables = shown.filter((one) =>
      /^\$ damson (status|list|tree|explain|history|[a-z]+ .*--dry-run)/.test(one),
    )
    for (const line of tables.flatMap((one) => one.split('\n').slice(1)).filter((one) => !IS_WIDE.test(one)))
      expect([line, stringWidth(line) <= width]).toEqual([line, true])
    await expect(text).toMatchFileSnapshot(`screens/session-${width}.txt`)
  })
})
