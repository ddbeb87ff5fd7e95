import { beforeEach, expect, onTestFinished, test } from 'vitest'
import {
  ClosedError,
  DeadlineExceeded,
  Engine,
  LeaseLost,
  MemoryStore,
  Process,
  ProcessKilled,
  StepTimeout,
  type EffectContext,
  type ProcessHandle,
  type ProcessSpec,
} from '../../src/index.ts'
import { SimulatedClock } from '../../src/testing/index.ts'
import { overBackEnds } from './stores.ts'

/* The signal of a running step aborts, with the reason (USERS 19). */

/** Why the step and its effect had to stop, as their signals say. */
let reasons: unknown[] = []
beforeEach(() => (reasons = []))

class Works extends Process<typeof Works> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.timeout('8h')
  }
  override async run(): Promise<void> {
    const listen = (signal: AbortSignal) =>
      signal.addEventListener('abort', () => reasons.push(signal.reason))
    listen(this.signal)
    await this.effect('work', ({ signal }: EffectContext) => {
      listen(signal)
      return new Promise<void>(() => {})
    })
  }
}

interface Setting {
  readonly engine: Engine
  readonly clock: SimulatedClock
  readonly handle: ProcessHandle
}

const WAYS: readonly (readonly [
  why: string,
  stop: (setting: Setting) => Promise<unknown>,
  reason: unknown,
])[] = [
  ['a kill', ({ handle }) => handle.kill('enough'), ProcessKilled],
  ['a kill by force', ({ handle }) => handle.kill('now', { force: true }), ProcessKilled],
  ['its timeout', ({ clock }) => clock.advance('8h'), StepTimeout],
  ['its deadline', ({ clock }) => clock.advance('5h'), DeadlineExceeded],
  ['a shutdown', ({ engine }) => engine.close({ drain: 0 }), ClosedError],
]

overBackEnds((_name, openStore) => {
  test.each(WAYS)(
    'USERS 19: %s aborts the signal of the step, with the reason',
    async (why, stop, reason) => {
      const clock = new SimulatedClock()
      const store = await openStore(clock)
      const engine = await Engine.open({ store, clock, processes: [Works], handleSignals: false })
      onTestFinished(() => engine.close({ drain: 0 }))
      const handle = await engine.launch(Works, {}, why === 'its deadline' ? { deadline: '5h' } : {})
      await clock.quiet()
      expect(reasons).toEqual([])
      await stop({ engine, clock, handle })
      await clock.quiet()
      expect(reasons).toEqual([expect.any(reason), expect.any(reason)])
    },
  )
})

test('USERS 19: that its engine was taken for dead aborts the signal of the step, with the reason', async () => {
  const store = new MemoryStore()
  const engine = await Engine.open({ store, processes: [Works], handleSignals: false })
  onTestFinished(() => engine.close({ drain: 0 }))
  await engine.launch(Works)
  await new Promise((resolve) => setImmediate(resolve))
  store.forget(engine.id)
  await store.recover()
  expect(reasons).toEqual([expect.any(LeaseLost), expect.any(LeaseLost)])
})
