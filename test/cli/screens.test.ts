import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import stringWidth from 'string-width'
import { classText } from '../../src/cli/commands/describe.ts'
import { explanationText } from '../../src/cli/commands/explain.ts'
import { timeLine } from '../../src/cli/commands/history.ts'
import { processTable } from '../../src/cli/render/process-table.ts'
import { readTree } from '../../src/cli/read/read-tree.ts'
import { nameHandles } from '../../src/cli/commands/show.ts'
import { statusText } from '../../src/cli/commands/status.ts'
import { inWords } from '../../src/cli/render/process-facts.ts'
import type { Screen } from '../../src/cli/render/screen.ts'
import { pidsInTree, treeText } from '../../src/cli/render/tree-text.ts'
import {
  Process,
  quote,
  toContext,
  Wait,
  while_,
  WorkChain,
  Client,
  MemoryStore,
  type ProcessSpec,
  type WorkChainSpec,
} from '../../src/index.ts'
import { SimulatedClock, TestBench } from '../../src/testing/index.ts'
import { create, done } from '../persistence/fixtures.ts'

// The recorded screens have times of the day, which must be the same everywhere.
process.env['TZ'] = 'UTC'
const NOON = Date.UTC(2026, 0, 5, 12)

class Word extends Process {
  override run(): Wait {
    return new Wait(undefined, { message: 'for a word', data: { asked: ['Ann', 'Bob'], since: new Date(0) } })
  }
}

/** Begins children under pids of its own, one round after the other. */
class Relaxation extends WorkChain<typeof Relaxation> {
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec
      .input('material', { schema: { type: 'string' } })
      .outline(
        Relaxation.prototype.setup,
        while_(Relaxation.prototype.isNotConverged)(Relaxation.prototype.relax),
      )
  }
  declare ctx: { round: number; cell: readonly number[]; word?: unknown }
  setup(): void {
    this.ctx.round = 0
    this.ctx.cell = [1.5, 2.5, 3.5]
  }
  isNotConverged(): boolean {
    return this.ctx.round < 3
  }
  async relax() {
    this.ctx.round++
    return toContext({ word: await this.launch(Word, {}, { label: '格子定数' }) })
  }
}

class Payment extends Process<typeof Payment> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('order', { required: false })
      .retry(Payment.prototype.charge, { attempts: 3, backoff: { initial: '1h', jitter: 0 } })
  }
  override run() {
    return new Wait(this.charge, { for: '1m' })
  }
  charge(): void {
    throw new Error('the bank is closed')
  }
}

/** Has ports, signals and exit codes with long and wide texts. */
class Delivery extends Process<typeof Delivery> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('address', {
        schema: { type: 'string' },
        help: '届け先の住所（郵便番号、都道府県、市区町村、番地、建物名）',
      })
      .input('parcels', {
        schema: { type: 'array', items: { type: 'object', properties: { weight: { type: 'number' } } } },
        help: 'the parcels of the delivery, each with its weight in kilograms; a van takes at most forty of them',
      })
      .input('options.express', { schema: { type: 'boolean' }, default: false })
      .inputNamespace('options.metadata', { dynamic: true, schema: { type: 'string' }, required: false })
      .output('receipt', { schema: { type: 'string' }, help: 'the number of the receipt' })
      .signal('handover', {
        schema: { type: 'object', properties: { by: { type: 'string' } } },
        help: 'by whom',
      })
      .exitCode(
        300,
        'ERROR_ADDRESS_NOT_FOUND',
        'no van goes to {address}, which is on no map that the depot has',
      )
      .exitCode(301, 'LOST', 'lost')
  }
}

class Fail extends Process {
  override run(): void {
    const noError: unknown = { code: 7, why: 'no paper' }
    throw noError
  }
}

let bench: TestBench
let client: Client
const pid = (end: string): string => `019b0000-0000-7000-8000-${end.padStart(12, '0')}`

beforeAll(async () => {
  const clock = new SimulatedClock({ start: NOON })
  bench = await TestBench.open({ clock, processes: [Fail, Payment, Relaxation, Word] })
  client = bench.client
  const word = await bench.launch(
    Word,
    {},
    { pid: pid('a1'), key: 'the word', label: '長いラベル、とても長い名前の注文です。東京から' },
  )
  await bench.untilWaiting(word)
  await bench.untilWaiting(await bench.launch(Relaxation, { material: 'Si' }, { pid: pid('b2') }))
  const payment = await bench.launch(
    Payment,
    { order: quote(word) },
    { pid: pid('c3'), label: 'order 17 of the night run of January' },
  )
  await bench.untilWaiting(payment)
  await bench.advance('1m')
  await bench.untilWaiting(payment)
  await bench.untilWaiting(await bench.launch(Fail, {}, { pid: pid('d4'), key: 'a fax' }))
  await client.launch('Unknown', {}, { pid: pid('e5') })
  await client.launch('Unknown', {}, { pid: pid('f6'), delay: '3h' })
  const paused = await bench.launch(Word, {}, { pid: 'a pid of the user' })
  await bench.untilWaiting(paused)
  await paused.pause('until the audit is over')
})
afterAll(() => bench.close())

/** The text of each command. */
const SCREENS: Readonly<Record<string, (screen: Screen, now: number) => Promise<string>>> = {
  list: async (screen, now) => {
    const { processes } = await client.list()
    const pids = await client.shortPids(processes.map((one) => one.pid))
    return processTable(processes, now, { pids, screen })
  },
  status: async (screen, now) => {
    const { engines: _, ...status } = await client.status()
    const named = status.attention.flatMap((one) => one.pid ?? [])
    return statusText({ ...status, engines: ENGINES }, now, await client.shortPids(named), screen)
  },
  tree: async (screen, now) => {
    const root = await client.find(pid('b2'))
    if (root === undefined) throw new Error('the chain is not there')
    const tree = await readTree(client, root, false)
    return treeText(tree, { now, pids: await client.shortPids(pidsInTree(tree)), screen })
  },
  'show of a chain': async (screen, now) => inWords(await client.inspect(pid('b2')), now, screen),
  'show of a wait': async (screen, now) => inWords(await client.inspect(pid('a1')), now, screen),
  'show of a back-off': async (screen, now) => {
    const details = await client.inspect(pid('c3'))
    await nameHandles(details.values)
    return inWords(details, now, screen)
  },
  'explain of a chain': async (screen, now) => explanationText(await client.explain(pid('b2')), now, screen),
  'explain of a wait': async (screen, now) => explanationText(await client.explain(pid('a1')), now, screen),
  'explain of a back-off': async (screen, now) =>
    explanationText(await client.explain(pid('c3')), now, screen),
  'explain of an unknown class': async (screen, now) =>
    explanationText(await client.explain(pid('e5')), now, screen),
  'explain of a failure': async (screen, now) =>
    explanationText(await client.explain(pid('d4')), now, screen),
  describe: async (screen) => classText('Delivery', Delivery as never, screen),
  'describe of no ports': async (screen) => classText('Fail', Fail as never, screen),
  history: async (screen) => timeLine(await client.history(pid('c3')), undefined, undefined, screen),
}

const ENGINES = [
  {
    id: pid('1'),
    host: 'a host with a long name.example.org',
    osPid: 4242,
    alive: true,
    leaseEnds: new Date(NOON + 68_000),
    used: 3,
    concurrency: 100,
    classes: ['Fail', 'Payment', 'Relaxation', 'Word'],
    labels: [],
  },
  {
    id: pid('2'),
    host: 'here',
    osPid: 17,
    alive: false,
    leaseEnds: new Date(NOON - 1_000),
    used: 0,
    concurrency: 20,
    classes: ['Payment'],
    labels: [],
  },
]

const COLOUR = new RegExp(String.raw`\u001B\[\d+m`, 'g')

describe.each(Object.keys(SCREENS))('%s', (name) => {
  const draw = async (screen: Screen): Promise<string> => {
    const text = await (SCREENS[name] as (typeof SCREENS)[string])(screen, bench.clock.now())
    // The id of the engine is another one in each run.
    return text.replaceAll(/ {2}(…[0-9a-f]{6}|01[0-9a-f]{6}-[0-9a-f-]{27})$/gm, '  ENGINE')
  }

  it.each([80, 200])('is as recorded on a screen of %d columns', async (width) => {
    const text = await draw({ width, colours: false })
    await expect(`${text}\n`).toMatchFileSnapshot(`screens/${name.replaceAll(' ', '-')}-${width}.txt`)
    // A fact of `show` is whole, and a command is to be copied.
    const lines = name.startsWith('show')
      ? []
      : text.split('\n').filter((line) => !line.startsWith('      damson'))
    for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(width)
  })

  it('says the same with colours', async () => {
    const [plain, coloured] = [
      await draw({ width: 80, colours: false }),
      await draw({ width: 80, colours: true }),
    ]
    // Explanations, a class without ports, and a tree in which nothing has failed have no colours.
    expect(coloured.includes('\u001B[')).toBe(!/^(tree|explain|describe of no ports)/.test(name))
    expect(coloured.replaceAll(COLOUR, '')).toBe(plain)
  })
})

describe('a store of 5,000 processes', () => {
  it('has endings of pids that are unique in the store, and a table that fits the screen', async () => {
    const clock = new SimulatedClock({ start: NOON })
    const store = new MemoryStore({ clock })
    const pids = Array.from({ length: 5_000 }, (_, index) => madePid(index))
    const label = '注文 of the night run, with a long name'
    await done(store, ...pids.map((one) => create({ pid: one, label, createdAt: NOON - 60_000 })))
    const many = await Client.open({ store, clock })
    const short = await many.shortPids(pids)
    expect(new Set(short.values()).size).toBe(pids.length)
    expect(Math.max(...[...short.values()].map((ending) => ending.length))).toBeLessThan(10)
    for (const one of pids.slice(0, 20)) expect(await many.pidsLike(short.get(one) ?? '')).toEqual([one])
    const { processes, next } = await many.list({ limit: 1_000 })
    const lines = processTable(processes, NOON, { pids: short, screen: { width: 80, colours: false } }).split(
      '\n',
    )
    expect(lines).toHaveLength(1_001)
    for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(80)
    expect(lines[1]).toMatch(/^[0-9a-f]{6,9} +Bake +created +run +注文 of the night run, with a long …? +1m$/)
    expect((await many.list({ limit: 1_000, after: next })).processes).toHaveLength(1_000)
    expect(await many.status()).toMatchObject({
      states: { created: 5_000 },
      classes: [{ name: 'Bake', ready: 5_000, succeeded: 0 }],
      attention: [{ kind: 'no engine', name: 'Bake', count: 5_000 }],
    })
    await many.close()
  })
})

/** A pid as Damson makes them, always the same for the same number. */
function madePid(index: number): string {
  const hash = createHash('sha256').update(String(index)).digest('hex')
  return `019b0000-0000-7000-8000-${hash.slice(0, 12)}`
}
