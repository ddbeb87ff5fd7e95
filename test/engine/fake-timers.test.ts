import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { Continue, Engine, Process } from '../../src/index.ts'
import { aPath } from '../contracts/stores.ts'

afterEach(() => void vi.useRealTimers())

let failures = 0

/** Needs all kinds of timers: a sleep, a retry, a limit of time, and a wait between two steps. */
class Timed extends Process<typeof Timed> {
  override async run(): Promise<unknown> {
    await this.sleep('nap', 5)
    await Promise.all([this.effect('one', () => 1), this.effect('two', () => 2)])
    if (failures++ === 0) throw new Error('once')
    return new Continue(this.second)
  }
  second(): string {
    return 'done'
  }
}

test.each(['a file', 'memory'])('an engine on %s goes on while a test has fake timers', async (kind) => {
  failures = 0
  const path = kind === 'memory' ? ':memory:' : await aPath()
  vi.useFakeTimers({ now: 0 })
  expect(Date.now()).toBe(0)
  const engine = await Engine.open({ store: path, processes: [Timed], handleSignals: false })
  onTestFinished(() => engine.close())
  const before = Date.UTC(2026, 0, 1)
  const handle = await engine.launch(Timed, undefined, { retry: { attempts: 2, backoff: { initial: 1 } } })
  expect(await handle.result()).toBe('done')
  expect(handle.state.at.getTime()).toBeGreaterThan(before)
  expect(await handle.wait({ timeout: 1 })).not.toBeNull()
  const late = await engine.launch(Timed, undefined, { delay: '1h' })
  expect(await late.wait({ timeout: 5 })).toBeNull()
  await late.kill()
})
