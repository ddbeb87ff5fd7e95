import { describe, expect, test } from 'vitest'
import { Continue, Process, Wait, type ProcessSpec, type Store } from '../../src/index.ts'
import { create, engine as identity } from '../persistence/fixtures.ts'
import { answeringLate, overEachStore, untilRow } from './over-stores.ts'
import { Approval, gate } from './processes.ts'

/*
 * A pause or a kill is stored while the engine is too busy to hear of it. What was acknowledged holds all the same (C5, C7).
 */

/** A store whose news come when the test lets them. */
class Late {
  readonly store: Store
  #kept: ((pid: string | undefined) => void)[] = []
  #isLate = false

  constructor(store: Store) {
    const watch: Store['watch'] = (listener) =>
      store.watch((changes, missed) => {
        if (!this.#isLate) return listener(changes, missed)
        this.#kept.push((pid) =>
          listener(
            changes.filter((change) => pid === undefined || change.pid === pid),
            missed,
          ),
        )
      })
    this.store = new Proxy(store, {
      get: (target, name) => {
        if (name === 'watch') return watch
        const member: unknown = Reflect.get(target, name, target)
        return typeof member === 'function' ? member.bind(target) : member
      },
    })
  }

  /** From now on nothing is heard. */
  keep(): void {
    this.#isLate = true
  }

  /** What has been kept is heard, of all or of one process alone. */
  tell(pid?: string): void {
    this.#isLate = pid !== undefined
    for (const news of this.#kept.splice(0)) news(pid)
  }
}

const done: string[] = []

/** Waits in its step in one way or another, and does something after. */
class Waiter extends Process<typeof Waiter> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('how', { schema: { type: 'string' } })
  }
  override async run(): Promise<unknown> {
    const { how } = this.inputs
    if (how === 'sleeps') await this.sleep('nap', '1m')
    if (how === 'sleeps') done.push('went on')
    if (how === 'does something beside its sleep') {
      const beside = async (): Promise<void> => {
        await gate(this.pid).pass()
        await this.effect('beside', () => void done.push('effect beside'))
      }
      await Promise.all([this.sleep('nap', '1m'), beside()])
    }
    if (how === 'records something beside its sleep') {
      await Promise.all([this.sleep('nap', '1m'), this.effect('begun', () => gate(this.pid).pass())])
    }
    if (how === 'ends beside its sleep') {
      await Promise.race([this.sleep('nap', '1m'), gate(this.pid).pass()])
      return how
    }
    await this.effect('after', () => void done.push('effect'))
    return how
  }
}

/** Comes to some end at a gate. */
class Ends extends Process<typeof Ends> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('how', { schema: { type: 'string' } })
  }
  override async run(): Promise<unknown> {
    await gate(this.pid).pass()
    switch (this.inputs.how) {
      case 'fails':
        throw new TypeError('on purpose')
      case 'goes on':
        return new Continue(this.next)
      case 'waits':
        return new Wait(this.next)
      case 'is killed by itself':
        await killedBy(this.pid)
        return 'done'
      case 'is killed by itself, unawaited':
        void this.kill('stop')
        return 'done'
      default:
        return 'done'
    }
  }
  next(): void {
    done.push('next step')
  }
  override onKill(): void {
    done.push('onKill')
  }
}

/** Waits in its step, and notes how that came to an end. */
class Notes extends Process<typeof Notes> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('how', { schema: { type: 'string' } }).signal('go')
  }
  override async run(): Promise<void> {
    try {
      if (this.inputs.how === 'sleeps') await this.sleep('nap', '1m')
      if (this.inputs.how === 'receives') await this.receive('go')
      if (this.inputs.how === 'receives in time') await this.receive('go', { timeout: '1m' })
      done.push('went on')
    } catch (error) {
      done.push(error instanceof Error ? error.name : String(error))
      throw error
    }
  }
}

/** Waits for its child, which waits for somebody. */
class Above extends Process<typeof Above> {
  override async run(): Promise<unknown> {
    const child = await this.launch(Approval)
    return child.result()
  }
}

let killedBy: (pid: string) => Promise<boolean> = async () => false

async function turns(count = 50): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

overEachStore((over) => {
  describe('C7: paused where it waits, unheard, a process', () => {
    test.each([
      'sleeps',
      'does something beside its sleep',
      'records something beside its sleep',
      'ends beside its sleep',
    ])('that %s does not move before it is played', async (how) => {
      done.length = 0
      const { clock, store } = over()
      const late = new Late(store)
      const engine = await over().engine([Waiter], { store: late.store })
      const { pid } = await engine.launch(Waiter, { how })
      await untilRow(store, pid, ({ inStep }) => inStep)
      await turns()
      late.keep()
      const client = await over().client()
      expect(await client.handle(pid).pause('lunch')).toBe(true)
      const before = await store.read(pid)
      expect(before).toMatchObject({ state: 'waiting', paused: { message: 'lunch' } })
      gate(pid).open()
      if (how === 'sleeps') await clock.advance('1m')
      await turns()
      expect(done).toEqual([])
      expect(await store.read(pid)).toEqual(before)
      expect((await store.history(pid)).at(-1)).toMatchObject({ name: 'paused' })
      late.tell()
      await turns()
      expect(done).toEqual([])
      await client.handle(pid).play()
      if (how !== 'sleeps') await clock.advance('1m')
      expect(await client.handle(pid).result()).toBe(how)
      expect(done.filter((one) => one === 'effect')).toHaveLength(how === 'ends beside its sleep' ? 0 : 1)
    })
  })

  test.each(['does something beside its sleep', 'ends beside its sleep'])(
    'C7: a process that %s is not paused by an answer that comes after its play',
    async (how) => {
      done.length = 0
      const { clock, store } = over()
      const news = new Late(store)
      const kind = how.startsWith('ends') ? 'advance' : 'record'
      let isHeld = false
      const late = answeringLate(news.store, (write) => isHeld && write.kind === kind)
      const engine = await over().engine([Waiter], { store: late.store })
      const { pid } = await engine.launch(Waiter, { how })
      await untilRow(store, pid, ({ inStep }) => inStep)
      await turns()
      news.keep()
      const handle = (await over().client()).handle(pid)
      await handle.pause('lunch')
      isHeld = true
      gate(pid).open()
      await late.committed
      expect(await handle.play()).toBe(true)
      news.tell()
      late.answer()
      await turns()
      if (kind === 'record') await clock.advance('1m')
      expect(await handle.result()).toBe(how)
    },
  )

  test.each(['goes on', 'waits'])(
    'C7: a play that is stored, unheard, calls off the pause of a process whose step %s',
    async (how) => {
      done.length = 0
      const { store } = over()
      const late = new Late(store)
      const engine = await over().engine([Ends], { store: late.store })
      const client = await over().client()
      const { pid } = await engine.launch(Ends, { how })
      await gate(pid).reached
      const handle = client.handle(pid)
      expect(await handle.pause('lunch')).toBe(true)
      await turns()
      late.keep()
      expect(await handle.play()).toBe(true)
      gate(pid).open()
      if (how === 'waits') {
        await untilRow(store, pid, ({ state }) => state === 'waiting')
        await handle.resume()
        late.tell()
      }
      await untilRow(store, pid, ({ state, paused }) => paused !== null || state === 'finished')
      expect(await store.read(pid)).toMatchObject({ state: 'finished', paused: null })
      expect(done).toEqual(['next step'])
      expect((await store.history(pid)).map(({ name }) => name)).not.toContain('paused')
      late.tell()
    },
  )

  describe('C5: once its kill is stored, unheard, a process', () => {
    test.each(['ends', 'fails', 'goes on', 'waits', 'is killed by itself', 'is killed by itself, unawaited'])(
      'whose step %s ends as killed, with its hooks',
      async (how) => {
        done.length = 0
        const late = new Late(over().store)
        const engine = await over().engine([Ends], { store: late.store })
        const client = await over().client()
        killedBy = (pid) => client.handle(pid).kill('stop')
        const { pid } = await engine.launch(Ends, { how })
        await gate(pid).reached
        late.keep()
        const isKilled = how.startsWith('is killed') || (await client.handle(pid).kill('stop'))
        expect(isKilled).toBe(true)
        gate(pid).open()
        expect(await client.handle(pid).wait()).toMatchObject({ label: 'killed', message: 'stop' })
        expect(done).toEqual(['onKill'])
        late.tell()
      },
    )
  })

  describe.each(['sleeps', 'receives', 'receives in time'])(
    'C5: once its kill is stored, unheard, a step that %s',
    (how) => {
      test.each([true, false])('does not go on (paused before: %s)', async (pauses) => {
        done.length = 0
        const { clock, store } = over()
        const late = new Late(store)
        const engine = await over().engine([Notes], { store: late.store })
        const { pid } = await engine.launch(Notes, { how })
        await untilRow(store, pid, ({ inStep }) => inStep)
        await turns()
        const handle = (await over().client()).handle(pid)
        if (how === 'receives') {
          // The engine knows that a signal has come, and not what follows.
          await handle.pause()
          await turns()
          await handle.signal('go')
          await turns()
          if (!pauses) await handle.play()
        } else if (pauses) {
          late.keep()
          await handle.pause()
        }
        late.keep()
        expect(await handle.kill('stop')).toBe(true)
        await clock.advance('1m')
        expect(await handle.wait()).toMatchObject({ label: 'killed', message: 'stop' })
        const names = (await store.history(pid)).map(({ name }) => name)
        expect(names.slice(names.indexOf('kill requested'))).toEqual(['kill requested', 'killed'])
        // Its engine hears of the kill by the write that is held, or not at all, where nothing is written.
        expect(['', 'ProcessKilled']).toContain(done.join())
        late.tell()
      })
    },
  )

  test('C5: a process that fails because its child was killed, by the kill of both, ends as killed', async () => {
    const { store } = over()
    const late = new Late(store)
    const engine = await over().engine([Above, Approval], { store: late.store })
    const client = await over().client()
    const { pid } = await engine.launch(Above)
    await untilRow(store, pid, ({ inStep }) => inStep)
    const [child] = (await client.list({ parent: pid })).processes
    await untilRow(store, child?.pid ?? '', ({ state }) => state === 'waiting')
    late.keep()
    expect(await client.handle(pid).kill('stop')).toBe(true)
    late.tell(child?.pid)
    expect(await client.handle(pid).wait()).toMatchObject({ label: 'killed', message: 'stop' })
    late.tell()
  })

  test.each(['refresh', 'explain', 'list'] as const)(
    'C7: a kill whose engine is frozen is done by a client that looks by %s(), once its time is up',
    async (how) => {
      const { clock, store } = over()
      await store.join(identity('frozen'))
      const client = await over().client()
      const write = create({ claim: 'frozen', state: 'running', seq: 1 })
      while ((await client.store.read(write.pid)) === undefined) await store.commit([write]).catch(() => {})
      const handle = client.handle(write.pid)
      expect(await handle.kill('stop')).toBe(true)
      const look = async (): Promise<string> => {
        if (how === 'explain') return handle.explain()
        if (how === 'refresh') return (await handle.refresh()).label
        const { processes } = await client.list({ className: write.className })
        return processes.map(({ state }) => state.label).join()
      }
      await look()
      expect(await store.read(write.pid)).toMatchObject({ state: 'running' })
      await clock.advance('11s')
      expect(await look()).toMatch(how === 'explain' ? /^Bake \S+ ended as killed / : /^killed$/)
      expect(await store.read(write.pid)).toMatchObject({ state: 'killed', message: 'stop' })
    },
  )
})
