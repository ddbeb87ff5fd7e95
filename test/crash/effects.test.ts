import { expect } from 'vitest'
import { NonRetryableError, Process, Wait, type ProcessSpec } from '../../src/index.ts'
import { crashAtEveryCommit } from './every-commit.ts'
import { outside } from './outside.ts'

/* What a step does by name, and what becomes of it when the step fails, with a crash in the middle of it. */

/** Three payments in a loop, one that is refused, and one in the step after it. */
class Pays extends Process<typeof Pays> {
  declare ctx: { receipts?: number }
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.output('refused').output('receipts')
  }
  override async run(): Promise<unknown> {
    for (let time = 0; time < 3; time++) {
      await this.effect('pay', ({ idempotencyKey }) => outside.pay(idempotencyKey))
      this.ctx.receipts = (this.ctx.receipts ?? 0) + 1
    }
    const refused = await this.effect(
      'risky',
      ({ idempotencyKey }) => {
        throw new RangeError(`${outside.pay(idempotencyKey).slice(0, 7)}: refused`)
      },
      { recordFailure: true },
    ).catch((error: Error) => error)
    this.out('refused', refused)
    return new Wait(this.last, { for: '1h' })
  }
  async last(): Promise<void> {
    await this.effect('pay', ({ idempotencyKey }) => outside.pay(idempotencyKey))
    this.out('receipts', this.ctx.receipts)
  }
}

crashAtEveryCommit(
  'C6: effects, also of one name, and recorded failures',
  { processes: [Pays] },
  async (driver) => {
    const handle = await driver.launch('p', Pays)
    await driver.rests('p')
    await driver.passes('2h')
    await driver.ends('p')
    expect(await handle.outputs.all()).toEqual({
      refused: expect.objectContaining({ message: 'receipt: refused' }) as unknown,
      receipts: 3,
    })
    expect(outside.paid).toEqual(['p/1/pay', 'p/1/pay#2', 'p/1/pay#3', 'p/1/risky', 'p/3/pay'])
  },
)

/** Pays, and fails until the given attempt. */
class Fails extends Process<typeof Fails> {
  declare ctx: { attempts?: number[] }
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('until', { schema: { type: 'integer' } })
      .input('final', { schema: { type: 'boolean' }, default: false })
      .output('attempt')
  }
  override async run(): Promise<void> {
    this.ctx.attempts = [...(this.ctx.attempts ?? []), this.attempt]
    await this.effect('pay', ({ idempotencyKey }) => outside.pay(idempotencyKey))
    await this.sleep('a little', '1m')
    if (this.attempt < this.inputs.until) {
      throw this.inputs.final
        ? new NonRetryableError('for good')
        : new Error(`not at attempt ${this.attempt}`)
    }
    this.out('attempt', this.attempt)
  }
}

class BacksOff extends Fails {
  static override define(spec: ProcessSpec) {
    return super.define(spec).retry({ attempts: 3, backoff: { initial: '1h', factor: 2, jitter: 0 } })
  }
}

crashAtEveryCommit(
  'C6, C11: retries with back-off: a crash spends none',
  { processes: [BacksOff] },
  async (driver) => {
    const handle = await driver.launch('p', BacksOff, { until: 3 })
    for (const time of ['2m', '65m', '4h', '5h'] as const) {
      await driver.rests('p')
      await driver.passes(time)
    }
    await driver.ends('p')
    expect(await handle.outputs.all()).toEqual({ attempt: 3 })
    expect(outside.paid).toEqual(['p/1/pay'])
  },
)

crashAtEveryCommit(
  'C6, C11: retries that run out except the process',
  { processes: [BacksOff] },
  async (driver) => {
    const handle = await driver.launch('p', BacksOff, { until: 9 })
    for (const time of ['2m', '65m', '4h', '5h'] as const) {
      await driver.rests('p')
      await driver.passes(time)
    }
    expect(await driver.ends('p')).toMatchObject({ state: 'excepted' })
    await expect(handle.result()).rejects.toMatchObject({ cause: { message: 'not at attempt 3' } })
    expect(outside.paid).toEqual(['p/1/pay'])
  },
)

crashAtEveryCommit('C6: an error that is not to be retried', { processes: [BacksOff] }, async (driver) => {
  const handle = await driver.launch('p', BacksOff, { until: 9, final: true })
  await driver.rests('p')
  await driver.passes('2m')
  await driver.ends('p')
  await expect(handle.result()).rejects.toMatchObject({ cause: { message: 'for good' } })
})

class Pauses extends Process<typeof Pauses> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.retry({ attempts: 2, backoff: { initial: '1h', jitter: 0 }, whenExhausted: 'pause' })
  }
  override async run(): Promise<number> {
    await this.effect('pay', ({ idempotencyKey }) => outside.pay(idempotencyKey))
    if (!outside.works) throw new Error('nothing works out there')
    return this.attempt
  }
}

for (const how of ['play', 'retry'] as const) {
  crashAtEveryCommit(
    `USERS 11: retries that run out pause the process, and ${how} gives it a fresh budget`,
    { processes: [Pauses] },
    async (driver) => {
      const handle = await driver.launch('p', Pauses)
      await driver.rests('p')
      await driver.passes('2h')
      const row = await driver.rests('p')
      if (row.endedAt === null) {
        expect(row.paused?.message).toMatch(/^run failed 2 of 2 times \(nothing works out there\)/)
        outside.works = true
        expect(await handle[how]()).toBe(true)
      }
      await driver.ends('p')
      expect(await handle.result()).toBe(1)
      expect(outside.paid).toEqual(['p/1/pay'])
    },
  )
}
