import { expect } from 'vitest'
import { DeadlineExceeded, Process, type ProcessSpec } from '../../src/index.ts'
import { crashAtEveryCommit } from './every-commit.ts'
import { outside } from './outside.ts'
import type { Driver } from './driver.ts'

/* Launches that are delayed or limited, and processes that are begun again after they failed, with a crash in the middle of it. */

class Pays extends Process<typeof Pays> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('sleeps', { schema: { type: 'string' }, default: '0s' })
  }
  override async run(): Promise<string> {
    await this.effect('pay', ({ idempotencyKey }) => outside.pay(idempotencyKey))
    await this.sleep('a while', this.inputs.sleeps)
    return 'paid'
  }
}

class HasChild extends Process<typeof HasChild> {
  override async run(): Promise<unknown> {
    return this.join('child', await this.launch(Pays, { sleeps: '30d' }))
  }
}

crashAtEveryCommit('a launch that is delayed', { processes: [Pays] }, async (driver) => {
  const handle = await driver.launch('p', Pays, {}, { delay: '3d' })
  await driver.passes('2d')
  if (outside.paid.length === 0)
    expect(await driver.until('p', ({ state }) => state === 'created')).toMatchObject({ owner: null })
  await driver.passes('4d')
  await driver.ends('p')
  expect(await handle.result()).toBe('paid')
})

crashAtEveryCommit(
  'a deadline excepts a process, and kills its children',
  { processes: [HasChild, Pays] },
  async (driver) => {
    const handle = await driver.launch('p', HasChild, {}, { deadline: '5d' })
    await driver.rests('p')
    await driver.passes('6d')
    expect(await driver.ends('p')).toMatchObject({ state: 'excepted' })
    await expect(handle.result()).rejects.toMatchObject({ cause: expect.any(DeadlineExceeded) as unknown })
    const [child] = await driver.children('p')
    expect(await driver.ends(child?.pid ?? '')).toMatchObject({ state: 'killed' })
  },
)

crashAtEveryCommit(
  'a deadline that passes before the delay of the launch',
  { processes: [Pays] },
  async (driver) => {
    await driver.launch('p', Pays, {}, { delay: '9d', deadline: '5d' })
    await driver.passes('6d')
    expect(await driver.ends('p')).toMatchObject({ state: 'excepted' })
    expect(outside.paid).toEqual([])
  },
)

/** Pays, loads two ships, keeps a checkpoint and waits for the ships. */
class Order extends Process<typeof Order> {
  override async run(): Promise<unknown> {
    await this.effect('pay', ({ idempotencyKey }) => outside.pay(idempotencyKey))
    await this.effect('load', ({ idempotencyKey }) => outside.pay(idempotencyKey))
    const good = await this.launch(Ship, { fails: false })
    const bad = await this.launch(Ship, { fails: true })
    await this.checkpoint('loaded')
    return this.join('ships', [good, bad])
  }
}

class Ship extends Process<typeof Ship> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('fails', { schema: { type: 'boolean' } })
  }
  override async run(): Promise<string> {
    await this.effect('sail', ({ idempotencyKey }) => outside.pay(idempotencyKey))
    if (this.inputs.fails && !outside.works) throw new Error('a storm')
    return 'arrived'
  }
}

/** The process that was made from another one, if that was done. */
async function madeFrom(driver: Driver, pid: string): Promise<string | undefined> {
  const { processes } = await driver.engine.list({ className: 'Order', limit: 1_000 })
  for (const one of processes) {
    const row = await driver.engine.store.read(one.pid)
    if (row?.origin?.pid === pid) return one.pid
  }
  return undefined
}

const restarts = [
  ['restarted from its last step', (driver: Driver) => driver.engine.restart('p')],
  [
    'restarted from a checkpoint that it kept',
    (driver: Driver) => driver.engine.restart('p', { from: 'loaded' }),
  ],
  ['retried', (driver: Driver) => driver.engine.retry('p')],
] as const

for (const [how, restart] of restarts) {
  crashAtEveryCommit(
    `USERS 17: an order that failed is ${how}, and nothing is paid twice`,
    { processes: [Order, Ship] },
    async (driver) => {
      const handle = await driver.launch('p', Order)
      expect(await driver.ends('p')).toMatchObject({ state: 'excepted' })
      outside.works = true
      const again = (await madeFrom(driver, 'p')) ?? (await restart(driver)).pid
      await driver.ends(again)
      expect(await driver.engine.handle(again).result()).toEqual(['arrived', 'arrived'])
      // The old failure is kept.
      await expect(handle.result()).rejects.toThrow(/failed|a storm/)
      const paid = outside.paid.filter((key) => key.endsWith('/pay') || key.endsWith('/load'))
      expect(paid).toEqual(['p/1/load', 'p/1/pay'])
    },
  )
}

crashAtEveryCommit(
  'an order that failed is submitted again',
  { processes: [Order, Ship] },
  async (driver) => {
    await driver.launch('p', Order)
    expect(await driver.ends('p')).toMatchObject({ state: 'excepted' })
    outside.works = true
    const again = (await madeFrom(driver, 'p')) ?? (await driver.engine.resubmit('p')).pid
    await driver.ends(again)
    expect(await driver.engine.handle(again).result()).toEqual(['arrived', 'arrived'])
  },
)
