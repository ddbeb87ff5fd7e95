import { expect, test } from 'vitest'
import { Continue, Process, type ProcessListener, processOf, type ProcessSpec, Wait } from 'damson'
import { settle } from './helpers.ts'

test('hooks run in their order: exiting, entering, then entered', async () => {
  const called: string[] = []
  class Hooked extends Process {
    override run(): unknown {
      return new Wait(undefined, { data: 'data' })
    }
    protected override onExiting(to: string): void {
      called.push(`exiting to ${to}`)
    }
    protected override onExitRunning(): void {
      called.push('exit running')
    }
    protected override onEntering(to: string): void {
      called.push(`entering ${to}`)
    }
    protected override async onWait(data: unknown): Promise<void> {
      await settle()
      called.push(`wait with ${String(data)}, still ${this.state}`)
    }
    protected override onEntered(from: string): void {
      called.push(`entered from ${from}`)
    }
    protected override onWaiting(): void {
      called.push(`waiting, now ${this.state}`)
    }
  }
  const process = new Hooked()
  await process.step()
  called.length = 0
  await process.step()
  expect(called).toEqual([
    'exiting to waiting',
    'exit running',
    'entering waiting',
    'wait with data, still running',
    'entered from running',
    'waiting, now waiting',
  ])
})

test('an error on the way into a state excepts; one after a terminal state, or in a listener, is only logged', async () => {
  const logged: unknown[] = []
  const note = (details: object): void => void logged.push((details as { err: Error }).err.message)
  const logger = { debug: note, info: note, warn: note, error: note }
  class Before extends Process {
    protected override onFinish(): void {
      throw new Error('before')
    }
  }
  class After extends Process {
    protected override onFinished(): void {
      throw new Error('after')
    }
  }
  const listener: ProcessListener = {
    onProcessFinished: () => {
      throw new Error('listener')
    },
  }
  const before = new Before(undefined, { logger })
  await before.stepUntilTerminated()
  expect([before.state, before.exception()]).toEqual(['excepted', new Error('before')])
  const after = new After(undefined, { logger })
  after.addProcessListener(listener)
  await after.execute()
  expect([after.state, logged]).toEqual(['finished', ['after', 'listener']])
})

test('cleanups run last first when the process has ended, also when one of them throws', async () => {
  const called: string[] = []
  const process = new Process()
  process.addCleanup(() => called.push('first'))
  process.addCleanup(() => {
    throw new Error('broken')
  })
  process.addCleanup(() => called.push('last'))
  await process.execute()
  expect(called).toEqual(['last', 'first'])
})

test('the command of a step waits for the callbacks that it scheduled', async () => {
  const order: string[] = []
  class Calls extends Process {
    override run(): unknown {
      this.callSoon(async (text: string) => {
        await settle()
        order.push(text)
      }, 'callback')
      this.callSoon(() => order.push('cancelled')).cancel()
      return new Continue(this.next)
    }
    next(): void {
      order.push('next')
    }
  }
  await new Calls().execute()
  expect(order).toEqual(['callback', 'next'])
})

test('a step that is no method of the class is refused', async () => {
  const refused = async (step: unknown): Promise<unknown> => {
    class Goes extends Process {
      override run(): unknown {
        return new Continue(step as () => void)
      }
    }
    const process = new Goes()
    await process.stepUntilTerminated()
    return (process.exception() as Error).name
  }
  const elsewhere = { settle }
  expect(await refused(() => 1)).toBe('TransitionError')
  expect(await refused(elsewhere.settle)).toBe('TransitionError')
  expect(await refused('nowhere')).toBe('TransitionError')
  expect(await refused('kill')).toBe('TransitionError')
  expect(await refused(undefined)).toBe('TransitionError')
})

test('a child runs in memory beside its parent, and its handle reports how it ended', async () => {
  class Child extends processOf((spec: ProcessSpec) =>
    spec.input('n', { schema: { type: 'number' } }).output('twice', { schema: { type: 'number' } }),
  ) {
    override run(): void {
      this.out('twice', 2 * this.inputs.n)
    }
  }
  class Parent extends Process {
    override async run(): Promise<unknown> {
      const one = await this.launch(Child, { n: 4 }, { key: 'k' })
      const same = await this.launch(Child, { n: 4 }, { key: 'k' })
      await expect(this.launch(Child, { n: 5 }, { key: 'k' })).rejects.toThrow(/other inputs/)
      return [one === same, (await one.outputs.all()).twice, (await one.wait())?.label]
    }
  }
  const process = new Parent()
  await process.execute()
  expect(process.result()).toEqual([true, 8, 'finished'])
})
