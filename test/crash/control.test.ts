import { expect } from 'vitest'
import { Process, Wait, WaitTimeout, type ProcessSpec, type Wake } from '../../src/index.ts'
import { crashAtEveryCommit } from './every-commit.ts'
import { outside } from './outside.ts'

/* What is asked of one process while it waits, sleeps, runs or backs off, with a crash in the middle of it. */

/** Waits for the signal, in the given way. */
class Stands extends Process<typeof Stands> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('how', { schema: { type: 'string' } })
      .signal('go')
      .retry({
        attempts: 2,
        backoff: { initial: '30d', jitter: 0 },
        on: (error) => !(error instanceof WaitTimeout),
      })
  }
  override async run(): Promise<unknown> {
    const { how } = this.inputs
    await this.effect('begin', ({ idempotencyKey }) => outside.pay(idempotencyKey))
    if (how === 'waits') return new Wait(this.end, { receive: 'go', for: '30d' })
    if (how === 'receives') await this.receive('go', { timeout: '30d' })
    if (how === 'sleeps evicted') await this.sleep('long', '30d', { evict: true })
    if (how === 'backs off' && this.attempt === 1) throw new Error('once')
    if (how === 'runs') {
      await new Promise((_, reject) =>
        this.signal.addEventListener('abort', () => reject(this.signal.reason)),
      )
    }
    return this.end(how)
  }
  async end(value: unknown, wake?: Wake): Promise<unknown> {
    await this.effect('end', ({ idempotencyKey }) => outside.pay(idempotencyKey))
    return { value, by: wake?.by }
  }
}

const WAYS = ['waits', 'receives', 'sleeps evicted', 'backs off'] as const

for (const how of WAYS) {
  crashAtEveryCommit(
    `C7: one that ${how} is paused; what falls due meanwhile is acted on when it is played`,
    { processes: [Stands] },
    async (driver) => {
      const handle = await driver.launch('p', Stands, { how })
      await driver.rests('p')
      await driver.once(handle, 'paused', () => handle.pause('for the night'))
      await driver.passes('40d')
      await driver.once(handle, 'played', async () => {
        expect(await driver.rests('p')).toMatchObject({ paused: { message: 'for the night' }, endedAt: null })
        await handle.play()
      })
      expect(await driver.ends('p')).toMatchObject({ state: how === 'receives' ? 'excepted' : 'finished' })
    },
  )

  crashAtEveryCommit(`C7: one that ${how} is killed`, { processes: [Stands] }, async (driver) => {
    const handle = await driver.launch('p', Stands, { how })
    await driver.rests('p')
    if (!handle.state.terminal) await handle.kill('enough')
    expect(await driver.ends('p')).toMatchObject({ state: 'killed', message: 'enough' })
    expect(outside.paid).toEqual(['p/1/begin'])
  })

  crashAtEveryCommit(
    `C7: one that ${how} is signalled while it is paused, and gets it once played`,
    { processes: [Stands] },
    async (driver) => {
      const handle = await driver.launch('p', Stands, { how })
      await driver.rests('p')
      await driver.once(handle, 'paused', () => handle.pause())
      await driver.once(handle, 'signalled', () => handle.signal('go', 1))
      await driver.once(handle, 'played', async () => {
        expect(await driver.rests('p')).toMatchObject({ paused: {}, endedAt: null })
        await handle.play()
      })
      await driver.rests('p')
      await driver.passes('31d')
      await driver.ends('p')
    },
  )
}

crashAtEveryCommit('C7: one whose step runs is killed', { processes: [Stands] }, async (driver) => {
  const handle = await driver.launch('p', Stands, { how: 'runs' })
  await driver.until('p', ({ state }) => state === 'running' || state === 'killed')
  await handle.kill('enough')
  expect(await driver.ends('p')).toMatchObject({ state: 'killed', message: 'enough' })
})

crashAtEveryCommit(
  'C7: one whose step runs is killed at once by force',
  { processes: [Stands] },
  async (driver) => {
    const handle = await driver.launch('p', Stands, { how: 'runs' })
    await driver.until('p', ({ state }) => state === 'running' || state === 'killed')
    await handle.kill('now', { force: true })
    expect(await driver.ends('p')).toMatchObject({ state: 'killed', message: 'now' })
  },
)

crashAtEveryCommit('C7: one that backs off is retried now', { processes: [Stands] }, async (driver) => {
  const handle = await driver.launch('p', Stands, { how: 'backs off' })
  await driver.rests('p')
  await driver.once(handle, 'retried', () => handle.retry())
  await driver.ends('p')
  expect(await handle.result()).toEqual({ value: 'backs off', by: undefined })
  expect(outside.paid).toEqual(['p/1/begin', 'p/1/end'])
})
