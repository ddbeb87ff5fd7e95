import { expect, test } from 'vitest'
import { Continue, Process } from '../../src/index.ts'

test('a play while onPaused runs undoes the pause, which has come about', async () => {
  let paused!: () => void
  let goOn!: () => void
  const reached = new Promise<void>((resolve) => (paused = resolve))
  const left = new Promise<void>((resolve) => (goOn = resolve))
  let pauses = 0
  class Hooked extends Process<typeof Hooked> {
    override async run(): Promise<unknown> {
      await Promise.resolve()
      return new Continue(this.end)
    }
    override async onPaused(): Promise<void> {
      pauses++
      paused()
      await left
    }
    end(): void {}
  }
  const process = new Hooked()
  const running = process.execute()
  const pausing = process.pause()
  await reached
  expect(await process.play()).toBe(true)
  expect(await pausing).toBe(true)
  goOn()
  await running
  expect(process.isSuccessful).toBe(true)
  expect(pauses).toBe(1)
})
