import { expect, it } from 'vitest'
import { Process, type LogChunk, type ProcessHandle, type ProcessSpec } from 'damson'
import { Latch } from './helpers.ts'

const latch = new Latch()

class Child extends Process {
  override async run(): Promise<void> {
    this.print('one')
    this.progress({ done: 1, total: 2 })
    this.addEvent('loss', 0.5)
    await latch.opened
    this.logger.warn({ left: 1 }, 'nearly done')
    this.progress({ done: 2, total: 2 })
  }
}

it('keeps what a process prints in memory, where its handle reads and follows it', async () => {
  let child: ProcessHandle | undefined
  const seen: LogChunk[] = []
  class Parent extends Process {
    override async run(): Promise<void> {
      child = await this.launch(Child)
      for await (const chunk of child.logs({ follow: true })) {
        seen.push(chunk)
        if (chunk.n === 1) {
          expect(child.state.progress).toEqual({ done: 1, total: 2 })
          await child.addEvent('seen')
          latch.open()
        }
      }
    }
  }
  await new Parent().execute()
  expect(seen.map(({ n, stream, text }) => [n, stream, text])).toEqual([
    [1, 'stdout', 'one\n'],
    [2, 'stderr', 'warn: nearly done {"left":1}\n'],
  ])
  expect(child?.state.progress).toEqual({ done: 2, total: 2 })
  expect(await child?.outputComplete()).toBe(true)
  const added: unknown[] = []
  for await (const event of child?.events({ follow: true }) ?? [])
    if (event.name === 'event') added.push([event.side, event.data.name, event.data.data])
  expect(added).toEqual([
    ['process', 'loss', 0.5],
    ['caller', 'seen', undefined],
  ])
})

it('does not keep more than a limit in memory either, and says so once', async () => {
  let child: ProcessHandle | undefined
  class Loud extends Process {
    override run(): void {
      for (let count = 0; count < 30; count++) this.print('x'.repeat(100_000))
    }
  }
  class Parent extends Process {
    override async run(): Promise<void> {
      child = await this.launch(Loud)
      await child.wait()
    }
  }
  await new Parent().execute()
  let size = 0
  let notices = 0
  for await (const { text } of child?.logs() ?? []) {
    size += text.length
    if (text.includes('the log is full')) notices++
  }
  expect(notices).toBe(1)
  expect(size).toBeLessThan(1_001_000)
})

it('C4: in memory, an attempt that has timed out reports nothing more', async () => {
  const [again, late] = [new Latch(), new Latch()]
  class Late extends Process<typeof Late> {
    static override define(spec: ProcessSpec) {
      super.define(spec)
      return spec.timeout('run', 100).retry({ attempts: 10, backoff: { initial: 1, factor: 1 } })
    }
    override async run(): Promise<void> {
      if (this.attempt > 1) {
        again.open()
        await late.opened
        return
      }
      this.print('in time')
      await again.opened
      this.print('too late')
      late.open()
    }
  }
  let child: ProcessHandle | undefined
  class Parent extends Process {
    override async run(): Promise<void> {
      child = await this.launch(Late)
      await child.result()
    }
  }
  await new Parent().execute()
  const printed: string[] = []
  for await (const { text } of child?.logs() ?? []) printed.push(text)
  expect(printed).toEqual(['in time\n'])
})
