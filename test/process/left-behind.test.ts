import { expect, test } from 'vitest'
import { Process, type ProcessSpec } from 'damson'
import { begin, calm, Latch, pass } from './helpers.ts'

/** The first attempt at its step outlasts its time, and asks something of the process afterwards. */
abstract class Late extends Process {
  static override define(spec: ProcessSpec): void {
    super.define(spec)
    spec
      .signal('news')
      .timeout('10s')
      .retry({ attempts: 2, backoff: { initial: 0 } })
  }
  readonly first = new Latch()
  readonly second = new Latch()
  override async run(): Promise<unknown> {
    if (this.attempt > 1) {
      await this.second.opened
      return 'done'
    }
    await this.first.opened
    // The answer comes to an attempt that no longer counts.
    await this.ask().catch(() => {})
    return undefined
  }
  abstract ask(): Promise<unknown>
}

class LateKill extends Late {
  override ask(): Promise<unknown> {
    return this.kill('too late')
  }
}
class LatePause extends Late {
  override ask(): Promise<unknown> {
    return this.pause('too late')
  }
}
class LateFailure extends Late {
  override ask(): Promise<unknown> {
    return this.fail(new Error('too late'))
  }
}

test.each([
  ['kill', LateKill],
  ['pause', LatePause],
  ['failure', LateFailure],
] as const)('a %s by an attempt whose time was up changes nothing', async (_what, processClass) => {
  const { process, clock, run } = begin<Late>(processClass)
  await pass(clock, '10s')
  await pass(clock, 1)
  expect(process.attempt).toBe(2)
  process.first.open()
  await calm()
  process.second.open()
  await calm()
  expect([process.state, process.paused]).toEqual(['finished', false])
  await run
  expect(process.result()).toBe('done')
})
