import { AsyncLocalStorage } from 'node:async_hooks'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Continue, Engine, if_, Process, type ProcessSpec, Wait, WorkChain, type WorkChainSpec } from 'damson'

/** Of which caller the code is that runs here. */
const caller = new AsyncLocalStorage<string>()
const as = <T>(name: string, run: () => T): T => caller.run(name, run)

/** What each place of each process has seen: its launcher, the place, and the caller that was found there. */
let seen: [launcher: string, place: string, found: string | undefined][] = []

class Sees extends Process {
  static override define(spec: ProcessSpec): void {
    spec.input('launcher').signal('go').timeout('1m')
    spec.retry({ attempts: 2, backoff: { initial: 0, jitter: 0 } })
  }
  note(place: string): void {
    seen.push([this.inputs['launcher'] as string, place, caller.getStore()])
  }
  protected override onRun(): void {
    this.note('onRun')
  }
  protected override async onWaiting(): Promise<void> {
    this.note('onWaiting')
  }
  protected override onPausing(): void {
    this.note('onPausing')
  }
  protected override onPaused(): void {
    this.note('onPaused')
  }
  protected override onPlaying(): void {
    this.note('onPlaying')
  }
  protected override onFinished(): void {
    this.note('onFinished')
  }
  protected override onKilled(): void {
    this.note('onKilled')
  }
  override loadInstanceState(): void {
    this.note('loadInstanceState')
  }
  override async run(): Promise<unknown> {
    this.note('run')
    this.addProcessListener({ onProcessRunning: () => this.note('listener') })
    this.events.on('process:running', () => this.note('event'))
    this.addCleanup(() => this.note('cleanup'))
    this.signal.addEventListener('abort', () => this.note('abort'))
    this.callSoon(() => this.note('callSoon'))
    await this.effect('once', () => this.note('effect'))
    await new Promise((resolve) => setImmediate(resolve))
    await this.receive('go')
    this.note('received')
    return new Continue(this.asks)
  }
  asks(): unknown {
    this.note('asks')
    return this.attempt === 1 ? this.fails() : new Wait(this.ends)
  }
  fails(): never {
    throw new Error('once more')
  }
  ends(): void {
    this.note('ends')
  }
}

class Chain extends WorkChain {
  static override define(spec: WorkChainSpec): void {
    super.define(spec)
    spec.input('launcher').outline(if_('isReady')('work'))
  }
  isReady(): boolean {
    seen.push([this.inputs['launcher'] as string, 'predicate', caller.getStore()])
    return true
  }
  work(): void {
    seen.push([this.inputs['launcher'] as string, 'step', caller.getStore()])
  }
}

let engine: Engine
beforeEach(async () => {
  seen = []
  engine = await Engine.open({ store: ':memory:', processes: [Sees, Chain], concurrency: 1, killGrace: 0 })
})
afterEach(() => engine.close())

/** What was seen of a caller that is not the launcher. */
const strange = () => seen.filter(([launcher, , found]) => found !== undefined && found !== launcher)
const places = () => new Set(seen.map(([, place]) => place))
const until = async (isSo: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve))
}

test('no code of a process runs in the asynchronous context of another caller', async () => {
  const handles = await Promise.all(
    ['red', 'green', 'blue'].map((launcher) => as(launcher, () => engine.launch(Sees, { launcher }))),
  )
  const [red, green, blue] = handles
  await as('pauser', async () => {
    await until(() => seen.filter(([, place]) => place === 'effect').length === 3)
    await red?.pause()
    await green?.pause()
  })
  await as('killer', () => blue?.kill())
  await as('player', async () => {
    await until(
      async () => (await red?.refresh())?.paused === true && (await green?.refresh())?.paused === true,
    )
    await red?.play()
    await green?.play()
  })
  await as('sender', async () => {
    await red?.signal('go')
    await green?.signal('go')
  })
  await as('resumer', async () => {
    await red?.resume()
    await green?.resume()
  })
  await Promise.all(handles.map((handle) => as('waiter', () => handle.wait())))
  expect(strange()).toEqual([])
  for (const place of [
    'run',
    'effect',
    'received',
    'asks',
    'ends',
    'callSoon',
    'abort',
    'effect',
    'listener',
    'event',
  ])
    expect(places()).toContain(place)
  for (const hook of [
    'onRun',
    'onWaiting',
    'onPausing',
    'onPaused',
    'onPlaying',
    'onFinished',
    'loadInstanceState',
  ])
    expect(places()).toContain(hook)
})

test('nor do the steps and predicates of a work chain', async () => {
  const launchers = ['red', 'green', 'blue']
  await Promise.all(
    launchers.map((launcher) => as(launcher, async () => (await engine.launch(Chain, { launcher })).wait())),
  )
  expect(seen).toHaveLength(6)
  expect(strange()).toEqual([])
})

test('a callback of onDone runs in the context of whoever asked for it', async () => {
  const handle = await as('launcher', () => engine.launch(Chain, { launcher: 'red' }, { delay: 20 }))
  const found = new Promise((resolve) => {
    as('asker', () => handle.onDone(() => resolve(caller.getStore())))
  })
  await as('waiter', () => handle.wait())
  expect(await found).toBe('asker')
})

test('a process in memory runs in the context of whoever executes it, whoever asks something of it', async () => {
  const process = as('maker', () => new Sees({ launcher: 'red' }))
  const run = as('red', () => process.execute())
  await until(() => places().has('effect'))
  await as('pauser', () => process.pause())
  await as('player', () => process.play())
  await as('sender', () => process.sendSignal('go'))
  await until(() => process.state === 'waiting' && places().has('onWaiting'))
  await as('killer', () => process.kill())
  await run.catch(() => {})
  await until(() => places().has('cleanup'))
  expect(seen.filter(([, , found]) => found !== 'red')).toEqual([])
  for (const place of ['onPausing', 'onPaused', 'onPlaying', 'received', 'onKilled', 'abort'])
    expect(places()).toContain(place)
})
