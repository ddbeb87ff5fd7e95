import { expect, test, onTestFinished } from 'vitest'
import { Engine, MemoryStore, Process, Wait, type ProcessHandle, type ProcessSpec } from '../../src/index.ts'
import { SimulatedClock } from '../../src/testing/index.ts'
import { statusText } from '../../src/cli/render/wait-text.ts'
import { attentionText } from '../../src/cli/render/attention-text.ts'
import { clockTime } from '../../src/cli/render/time.ts'
import { untilWaiting } from '../engine/over-stores.ts'

/** Waits for itself, within its step or between two. */
class Narcissus extends Process<typeof Narcissus> {
  static override define(spec: ProcessSpec) {
    return spec.input('inStep')
  }
  override async run(): Promise<unknown> {
    const self = handles.get(this.pid) as ProcessHandle
    if (this.inputs.inStep === true) await self.wait()
    return new Wait('never', { on: self, message: 'for its love' })
  }
  never(): void {}
}
const handles = new Map<string, ProcessHandle>()

test('status needs attention for processes that wait for themselves', async () => {
  const store = new MemoryStore()
  const engine = await Engine.open({ store, processes: [Narcissus], handleSignals: false })
  onTestFinished(() => engine.close({ drain: 0 }))
  for (const inStep of [true, false]) {
    const pid = `narcissus-${inStep}`
    handles.set(pid, engine.handle(pid))
    await engine.launch(Narcissus, { inStep }, { pid })
    await untilWaiting(store, pid)
  }
  const { attention } = await engine.status()
  expect(attention).toMatchObject([
    { kind: 'waits for itself', name: 'Narcissus', count: 2, pid: 'narcissus-true' },
  ])
  expect(attentionText(attention)).toContain('2 Narcissus wait for themselves, so they will never end')
  expect(attentionText(attention)).toContain('damson list --state waiting --class Narcissus')
  await engine.killAll({}, 'enough', { force: true })
  const waits = await engine.find('narcissus-false')
  expect(waits?.state.label).toBe('killed')
})

test('status shows the times of its reasons as on a clock', () => {
  const [now, at] = [Date.UTC(2026, 0, 5, 12), Date.UTC(2026, 0, 5, 11)]
  const reason = `it had not ended by its deadline, ${new Date(at).toISOString()}`
  const failed = { kind: 'failed', name: 'Order', count: 1, pid: 'order', reason } as const
  expect(attentionText([failed], new Map(), undefined, now)).toContain(`deadline, ${clockTime(at, now)}\n`)
})

test('a line of a list shows the deadline that a process has missed as on a clock', async () => {
  class Sleeps extends Process {
    override run(): Wait {
      return new Wait(undefined, { for: '1d' })
    }
  }
  const clock = new SimulatedClock()
  const store = new MemoryStore({ clock })
  const engine = await Engine.open({ store, clock, processes: [Sleeps], handleSignals: false })
  onTestFinished(() => engine.close({ drain: 0 }))
  const deadline = clock.now() + 3_600_000
  const { pid } = await engine.launch(Sleeps, {}, { deadline: '1h' })
  await clock.advance('2h')
  const found = await engine.find(pid)
  expect(statusText(found!, clock.now())).toBe(
    `process ${pid} had not ended by its deadline, ${clockTime(deadline, clock.now())}`,
  )
})

test('a line of a list names the process whose values are waited for', async () => {
  const store = new MemoryStore()
  const engine = await Engine.open({ store, processes: [], handleSignals: false })
  onTestFinished(() => engine.close({ drain: 0 }))
  const first = await engine.launch('Later', {}, { pid: 'first' })
  const second = await engine.launch('Later', { n: first }, { pid: 'second' })
  const found = await engine.find(second.pid)
  const { on } = await store.pending(second.pid)
  expect(statusText(found!, 0, on)).toBe('waits for its inputs, from process first')
  expect(statusText(found!, 0)).toBe('waits for its inputs')
  expect(statusText(found!, 0, ['a', 'b'])).toBe('waits for its inputs, from 2 processes')
})
