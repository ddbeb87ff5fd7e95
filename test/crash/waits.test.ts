import { expect } from 'vitest'
import { Process, Wait, type ProcessHandle, type ProcessSpec, type Wake } from '../../src/index.ts'
import { crashAtEveryCommit } from './every-commit.ts'
import { outside } from './outside.ts'

/* What a process waits for by a command, with a crash in the middle of it. */

/** Waits as its input says, after one effect, and does another one when it goes on. */
class Waits extends Process<typeof Waits> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('receive', { schema: { type: 'string' }, required: false })
      .input('for', { schema: { type: 'string' }, required: false })
      .signal('go')
  }
  override async run(): Promise<unknown> {
    await this.effect('begin', ({ idempotencyKey }) => outside.pay(idempotencyKey))
    return new Wait(this.goOn, { receive: this.inputs.receive, for: this.inputs.for })
  }
  async goOn(value: unknown, wake: Wake): Promise<unknown> {
    await this.effect('end', ({ idempotencyKey }) => outside.pay(idempotencyKey))
    return { value, by: wake.by }
  }
}

crashAtEveryCommit('C8: a wait for a resume', { processes: [Waits] }, async (driver) => {
  const handle = await driver.launch('p', Waits)
  await driver.rests('p')
  await driver.once(handle, 'resumed', () => handle.resume('yes'))
  await driver.ends('p')
  expect(await handle.result()).toEqual({ value: 'yes', by: 'resume' })
  expect(outside.paid).toEqual(['p/1/begin', 'p/3/end'])
})

crashAtEveryCommit('C8: a resume that comes before the wait', { processes: [Waits] }, async (driver) => {
  const handle = await driver.launch('p', Waits, {}, { delay: '1h' })
  await driver.once(handle, 'resumed', () => handle.resume('early'))
  await driver.passes('2h')
  await driver.ends('p')
  expect(await handle.result()).toEqual({ value: 'early', by: 'resume' })
})

crashAtEveryCommit('C8: a wait for a signal', { processes: [Waits] }, async (driver) => {
  const handle = await driver.launch('p', Waits, { receive: 'go', for: '3d' })
  await driver.rests('p')
  await driver.once(handle, 'signalled', () => handle.signal('go', { by: 'ann' }))
  await driver.ends('p')
  expect(await handle.result()).toEqual({ value: { by: 'ann' }, by: 'signal' })
})

crashAtEveryCommit('C8: a signal that comes before the wait', { processes: [Waits] }, async (driver) => {
  const handle = await driver.launch('p', Waits, { receive: 'go' }, { delay: '1h' })
  await driver.once(handle, 'signalled', () => handle.signal('go', 'early'))
  await driver.passes('2h')
  await driver.ends('p')
  expect(await handle.result()).toEqual({ value: 'early', by: 'signal' })
})

crashAtEveryCommit('C8: a wait for a time', { processes: [Waits] }, async (driver) => {
  const handle = await driver.launch('p', Waits, { receive: 'go', for: '3d' })
  await driver.rests('p')
  await driver.passes('4d')
  await driver.ends('p')
  expect(await handle.result()).toEqual({ value: undefined, by: 'timer' })
})

/** Launches some that wait, and waits for one of them or for all. */
class WaitsForOthers extends Process<typeof WaitsForOthers> {
  declare ctx: { pids?: string[] }
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('any', { schema: { type: 'boolean' }, default: false })
  }
  override async run(): Promise<unknown> {
    const on: ProcessHandle[] = []
    for (const name of ['go', 'for']) {
      const inputs = name === 'go' ? { receive: 'go' } : { for: '1d' }
      on.push(await this.launch(Waits, inputs))
    }
    this.ctx.pids = on.map(({ pid }) => pid)
    return new Wait(this.goOn, { on, any: this.inputs.any })
  }
  goOn(settled: readonly unknown[], wake: Wake): unknown {
    const values = settled.map((one) => (one as { value?: unknown } | undefined)?.value)
    return { values, by: wake.by }
  }
}

crashAtEveryCommit(
  'C8: a wait for all of several processes',
  { processes: [Waits, WaitsForOthers] },
  async (driver) => {
    const handle = await driver.launch('p', WaitsForOthers)
    await driver.rests('p')
    const [signalled] = await driver.children('p')
    if (signalled === undefined) throw new Error('it has no children')
    await driver.once(signalled, 'signalled', () => signalled.signal('go', 1))
    await driver.ends(signalled.pid)
    await driver.passes('2d')
    await driver.ends('p')
    expect(await handle.result()).toEqual({
      values: [
        { value: 1, by: 'signal' },
        { value: undefined, by: 'timer' },
      ],
      by: 'handles',
    })
    expect(await driver.children('p')).toHaveLength(2)
    expect(outside.paid).toHaveLength(4)
  },
)

crashAtEveryCommit(
  'C8: a wait for the first of several processes',
  { processes: [Waits, WaitsForOthers] },
  async (driver) => {
    const handle = await driver.launch('p', WaitsForOthers, { any: true })
    await driver.rests('p')
    const [signalled, timed] = await driver.children('p')
    await driver.rests(timed?.pid ?? '')
    await driver.passes('2d')
    await driver.ends('p')
    expect(await handle.result()).toEqual({
      values: [undefined, { value: undefined, by: 'timer' }],
      by: 'handles',
    })
    // The other one goes on.
    expect(await driver.rests(signalled?.pid ?? '')).toMatchObject({ state: 'waiting' })
  },
)
