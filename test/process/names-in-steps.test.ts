import { expect, test } from 'vitest'
import { Process, type ProcessSpec } from 'damson'
import { begin, pass } from './helpers.ts'

/*
 * One name for two kinds of things, in a step that is run again with the code as it was: nothing has changed, so nothing is in conflict.
 */

class Child extends Process {
  override run(): string {
    return 'grown up'
  }
}

abstract class Twice extends Process {
  static override define(spec: ProcessSpec): void {
    super.define(spec)
    spec.signal('news').retry({ attempts: 2, backoff: { initial: 0 } })
  }
  override async run(): Promise<unknown> {
    const came = await this.work()
    if (this.attempt === 1) throw new Error('once more')
    return came
  }
  abstract work(): Promise<unknown>
}

class JoinThenEffect extends Twice {
  override async work(): Promise<unknown> {
    const value = await this.join('child', await this.launch(Child))
    return this.effect('child', () => value)
  }
}

class PollingEffect extends Twice {
  polled = 0
  override async work(): Promise<unknown> {
    for (;;) {
      try {
        return await this.effect('poll', () => {
          if (++this.polled < 3) throw new Error('not yet')
          return 'there'
        })
      } catch {
        await this.sleep('poll', '10s')
      }
    }
  }
}

class EffectBesideReceipt extends Twice {
  override async work(): Promise<unknown> {
    // The one who waits has not received anything when the step is run again.
    const news = this.receive('news')
    news.catch(() => {})
    await this.effect('news', () => 'asked for them')
    return this.attempt === 1 ? undefined : news
  }
}

test.each([
  ['a join and then an effect', JoinThenEffect, 'grown up'],
  ['an effect that fails and a sleep, in a loop', PollingEffect, 'there'],
  ['a receipt that is waited for beside an effect', EffectBesideReceipt, 'good'],
] as const)('%s may have the same name when the step runs again', async (_what, processClass, result) => {
  const { process, clock, run } = begin<Twice>(processClass)
  await pass(clock, 60_000)
  if (!process.hasTerminated()) await process.sendSignal('news', 'good')
  await pass(clock, 60_000)
  expect([process.status, process.paused]).toEqual([undefined, false])
  await run
  expect(process.result()).toBe(result)
})
