// @module-tag more
import { readdir } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { Engine, MissingResult } from '../../src/index.ts'
import type { CrashPoint } from '../../src/testing/index.ts'
import { startEngine } from '../programs/start.ts'
import { aPath } from './stores.ts'

/* What a program retained that is killed. Nobody else knows of it but by its lock, which the system frees. */

const POINTS: readonly (CrashPoint | undefined)[] = [
  undefined,
  { write: 'create', when: 'after' },
  { write: 'advance', state: 'finished', when: 'after' },
]

test.each(POINTS)(
  'a program is killed (at %j): its session ends, and its result is dropped',
  async (crash) => {
    const store = await aPath()
    const launch = [
      { class: 'Sum', inputs: { steps: 1, log: `${store}.log` }, key: 'sum', retention: 'refs' },
    ] as const
    const program = startEngine({ store, launch, stay: true, ...(crash !== undefined && { crash }) })
    if (crash === undefined) {
      await program.ready
      program.kill('SIGKILL')
    }
    expect(await program.ended).toMatchObject({ signal: 'SIGKILL' })
    const engine = await Engine.open({ store, handleSignals: false, processes: [] })
    onTestFinished(() => engine.close())
    const handle = await engine.handle({ key: 'sum' })
    const second = startEngine({ store })
    expect(await second.ended).toMatchObject({ code: 0 })
    await vi.waitFor(
      async () => {
        await handle.refresh()
        expect(handle.done && (await engine.inspect(handle.pid)).dropped).toMatchObject({ why: /refs/ })
      },
      { timeout: 20_000, interval: 100 },
    )
    await expect(handle.result()).rejects.toThrow(MissingResult)
    await engine.close()
    const left = (await readdir(dirname(store))).filter((name) =>
      name.startsWith(`${basename(store)}-engine-`),
    )
    expect(left).toEqual([])
  },
)

test('a result stays while another program retains it, and goes when that ends', async () => {
  const store = await aPath()
  const launch = [
    { class: 'Sum', inputs: { steps: 1, log: `${store}.log` }, key: 'sum', retention: 'refs' },
  ] as const
  const program = startEngine({ store, launch, stay: true })
  onTestFinished(() => program.kill('SIGKILL'))
  await program.ready
  const engine = await Engine.open({ store, handleSignals: false, processes: [] })
  onTestFinished(() => engine.close())
  const handle = await engine.handle({ key: 'sum' })
  handle.retain()
  await handle.wait()
  await handle.release()
  // Nothing notifies of what is not dropped: an engine looks a second after an end, in real time.
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  expect((await engine.inspect(handle.pid)).dropped).toBe(null)
  program.kill('SIGTERM')
  expect((await program.ended).signal ?? (await program.ended).code).toBeTruthy()
  await vi.waitFor(async () => expect((await engine.inspect(handle.pid)).dropped).not.toBe(null), {
    timeout: 20_000,
    interval: 100,
  })
})
