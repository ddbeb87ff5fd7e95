import { expect } from 'vitest'
import { allowFailure, Process, UpstreamFailed, type ProcessSpec } from '../../src/index.ts'
import { crashAtEveryCommit } from './every-commit.ts'
import { outside } from './outside.ts'

/* Processes that take values from others, or start after others, with a crash in the middle of it. */

class Gives extends Process<typeof Gives> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('fails', { schema: { type: 'boolean' }, default: false })
      .signal('go')
      .returns({ schema: { type: 'string' } })
  }
  override async run(): Promise<string> {
    await this.receive('go')
    if (this.inputs.fails) throw new Error('it had to')
    return 'a value'
  }
}

class Takes extends Process<typeof Takes> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('given').returns({})
  }
  override async run(): Promise<unknown> {
    await this.effect('take', ({ idempotencyKey }) => outside.pay(idempotencyKey))
    return this.inputs.given
  }
}

/** Launches one that gives and one that takes from it. */
class Pipes extends Process<typeof Pipes> {
  override async run(): Promise<unknown> {
    const gives = await this.launch(Gives)
    return this.join('takes', await this.launch(Takes, { given: { from: gives } }))
  }
}

const PROCESSES = [Gives, Takes, Pipes]

crashAtEveryCommit('a process that takes the value of another', { processes: PROCESSES }, async (driver) => {
  const gives = await driver.launch('gives', Gives)
  const takes = await driver.launch('takes', Takes, { given: [gives, gives.outputs.ref(0)] })
  await driver.launch('after', Takes, { given: 1 }, { after: [takes] })
  await driver.rests('gives')
  await driver.once(gives, 'signalled', () => gives.signal('go'))
  await driver.ends('after')
  expect(await takes.result()).toEqual(['a value', 'a value'])
  expect(outside.paid).toEqual(['after/1/take', 'takes/1/take'])
})

crashAtEveryCommit('a process whose upstream fails', { processes: PROCESSES }, async (driver) => {
  const gives = await driver.launch('gives', Gives, { fails: true })
  const takes = await driver.launch('takes', Takes, { given: gives })
  const allows = await driver.launch('allows', Takes, { given: allowFailure(gives) })
  await driver.rests('gives')
  await driver.once(gives, 'signalled', () => gives.signal('go'))
  await driver.ends('takes')
  await driver.ends('allows')
  await expect(takes.result()).rejects.toThrow(UpstreamFailed)
  expect(await allows.result()).toMatchObject({ status: 'rejected' })
  expect(outside.paid).toEqual(['allows/1/take'])
})

crashAtEveryCommit('a timeout of `after`', { processes: PROCESSES }, async (driver) => {
  const gives = await driver.launch('gives', Gives)
  await driver.launch('late', Takes, { given: 1 }, { after: { on: [gives], timeout: '1d' } })
  await driver.passes('2d')
  expect(await driver.ends('late')).toMatchObject({ state: 'excepted' })
  expect(outside.paid).toEqual([])
})

crashAtEveryCommit('a step that launches with a reference', { processes: PROCESSES }, async (driver) => {
  const pipes = await driver.launch('pipes', Pipes)
  await driver.rests('pipes')
  const [gives] = await driver.children('pipes')
  if (gives !== undefined) await driver.once(gives, 'signalled', () => gives.signal('go'))
  await driver.ends('pipes')
  expect(await pipes.result()).toEqual({ from: 'a value' })
  expect(await driver.children('pipes')).toHaveLength(2)
})
