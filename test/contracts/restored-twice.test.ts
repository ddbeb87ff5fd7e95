import { expect, onTestFinished, test } from 'vitest'
import {
  append,
  Bundle,
  Engine,
  Process,
  toContext,
  Wait,
  while_,
  WorkChain,
  type ProcessHandle,
  type ProcessSpec,
  type Store,
  type WorkChainSpec,
} from '../../src/index.ts'
import { SimulatedClock } from '../../src/testing/index.ts'
import { Child } from './child.ts'
import { overBackEnds } from './stores.ts'

/* What an engine has saved, in whatever state, is loaded and saved again, twice, byte for byte (USERS 16, C10). */

class Stands extends Process<typeof Stands> {
  static override persisted = ['member']
  declare ctx: { at?: Date }
  member: unknown = undefined
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('where', { schema: { type: 'string' } })
      .input('when', { default: () => new Date(7) })
      .output('early')
      .signal('go')
      .exitCode(310, 'ERROR_LATE', 'it is {much} too late')
      .retry({ attempts: 2, backoff: { initial: '30d', jitter: 0 }, whenExhausted: 'pause' })
  }
  override async run(): Promise<unknown> {
    this.ctx.at = new Date(8)
    this.member = new Map([[1n, new Set([undefined, -0])]])
    this.out('early', new Uint8Array([1, 2]))
    await this.effect('pay', () => ({ receipt: new Date(9) }))
    const children = [await this.launch(Child), await this.launch(Child)]
    switch (this.inputs.where) {
      case 'waits':
        return new Wait(this.end, { message: 'for all', data: [1n], receive: 'go', for: '30d' })
      case 'waits for others':
        return new Wait(this.end, { on: { one: children[0] as ProcessHandle }, any: true })
      case 'sleeps':
        return this.sleep('a month', '30d')
      case 'receives':
        return this.receive('go', { timeout: '30d', evict: true })
      case 'joins':
        return this.join('children', children, { evict: true })
      case 'backs off':
      case 'has run out':
        throw Object.assign(new RangeError('too much', { cause: new Error('why') }), { limit: 3n })
      case 'excepts':
        return this.fail(new TypeError('wrong', { cause: this.ctx }))
      default:
        return this.exitCodes.ERROR_LATE({ much: 'far' })
    }
  }
  end(): void {}
}

class Loops extends WorkChain<typeof Loops> {
  declare ctx: { rounds: number; results?: unknown[] }
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec.outline('begin', while_('goesOn')('launches', 'counts'))
  }
  begin(): void {
    this.ctx.rounds = 0
  }
  goesOn(): boolean {
    return this.ctx.rounds < 2
  }
  async launches(): Promise<unknown> {
    return toContext({ results: append(await this.launch(Child)) })
  }
  counts(): void {
    this.ctx.rounds++
  }
}

const PLACES = [
  'waits',
  'waits for others',
  'sleeps',
  'receives',
  'joins',
  'backs off',
  'has run out',
  'excepts',
  'is unsuccessful',
] as const
const PROCESSES = [Stands, Child, Loops]

overBackEnds((_name, openStore) => {
  async function open() {
    const clock = new SimulatedClock()
    const store = await openStore(clock)
    const engine = await Engine.open({ store, clock, processes: PROCESSES, handleSignals: false })
    onTestFinished(() => engine.close({ drain: 0 }))
    return { clock, store, engine }
  }

  /** Loads and saves twice, and compares the texts. */
  async function expectSameTwice(store: Store, pid: string): Promise<void> {
    const saved = (await store.load(pid))?.bundle().text ?? ''
    expect(saved).not.toBe('')
    const again = (text: string): string =>
      Bundle.from(Bundle.parse(text).unbundle<Stands | Child | Loops>({ processes: PROCESSES })).text
    const once = again(saved)
    const twice = again(once)
    expect(JSON.parse(once)).toEqual(JSON.parse(saved))
    expect(once).toBe(saved)
    expect(twice).toBe(saved)
  }

  test.each(PLACES)('USERS 16: one that %s', async (where) => {
    const { clock, store, engine } = await open()
    const handle = await engine.launch(Stands, { where })
    await clock.quiet()
    if (where === 'has run out') await clock.advance('30d')
    await handle.refresh()
    await expectSameTwice(store, handle.pid)
  })

  test('USERS 16: one that is paused, has a resume kept, was retried and restarted', async () => {
    const { clock, store, engine } = await open()
    const handle = await engine.launch(Stands, { where: 'backs off' })
    await clock.quiet()
    await handle.retry()
    await clock.quiet()
    await handle.resume(new Map([[1, 2]]))
    await expectSameTwice(store, handle.pid)
    await handle.kill()
    const again = await engine.restart(handle.pid)
    await again.pause('a while')
    await clock.quiet()
    await expectSameTwice(store, again.pid)
  })

  test('USERS 16: a work chain in the midst of its loop', async () => {
    const { clock, store, engine } = await open()
    const handle = await engine.launch(Loops)
    await clock.quiet()
    const { processes } = await engine.list({ parent: handle.pid })
    for (const { pid } of processes) await engine.handle(pid).signal('end', new Date(11))
    await clock.quiet()
    expect(await store.read(handle.pid)).toMatchObject({
      state: 'waiting',
      step: '2.while(goesOn)#2.launches',
    })
    await expectSameTwice(store, handle.pid)
  })
})
