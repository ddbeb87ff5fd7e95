import { describe, expect, test } from 'vitest'
import { Continue, Process, PortValidationError, type ProcessSpec } from '../../src/index.ts'
import { overEachStore } from './over-stores.ts'

/** Objects or lists within each other. */
function nested(levels: number, asList = false): unknown {
  let value: unknown = 'inside'
  for (let level = 0; level < levels; level++) value = asList ? [value] : { x: value }
  return value
}
const TOO_DEEP = /it is nested more than 1000 levels deep\. Keep such data flat/

class Deep extends Process<typeof Deep> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('value', { required: false })
      .input('levels', { schema: { type: 'integer' }, default: 0 })
      .input('how', { schema: { type: 'string' }, default: 'nothing' })
      .output('value', { required: false })
      .signal('value')
  }
  override async run(): Promise<unknown> {
    const value = nested(this.inputs.levels)
    switch (this.inputs.how) {
      case 'output':
        return this.out('value', value)
      case 'context':
        this.ctx['value'] = value
        return undefined
      case 'effect':
        return this.effect('make', () => value)
      case 'argument':
        return new Continue(this.end, value)
      case 'result':
        return value
      default:
        return undefined
    }
  }
  end(_value: unknown): void {}
}

overEachStore((over) => {
  test('a value of any depth is refused with the same message, wherever it is given', async () => {
    const engine = await over().engine([Deep])
    for (const levels of [1_001, 5_000]) {
      for (const asList of [false, true])
        await expect(engine.launch(Deep, { value: nested(levels, asList) })).rejects.toThrow(TOO_DEEP)
      const handle = await engine.launch(Deep, {})
      await expect(handle.resume(nested(levels))).rejects.toThrow(TOO_DEEP)
    }
    for (const levels of [1_001, 5_000])
      for (const how of ['output', 'context', 'effect', 'argument', 'result']) {
        const handle = await engine.launch(Deep, { levels, how })
        expect([how, (await handle.wait())?.message]).toEqual([how, expect.stringMatching(TOO_DEEP)])
      }
  })
})

describe('in memory', () => {
  test('values of any depth are copied', async () => {
    const value = nested(5_000)
    const process = new Deep({ value })
    let depth = 0
    let original = value
    for (let at: unknown = process.inputs.value; typeof at === 'object'; depth++) {
      if (at === original || !Object.isFrozen(at)) throw new Error(`level ${depth} is no frozen copy`)
      at = (at as { x: unknown }).x
      original = (original as { x: unknown }).x
    }
    expect(depth).toBe(5_000)
    await process.execute()
  })
})

class Emits extends Process<typeof Emits> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.outputNamespace('s', { dynamic: true })
  }
  override run(): void {
    this.out('s.a', { c: 1 })
    this.out('s.b.c', 1)
    this.out('s.b.d', 2)
    this.out('s.b', 3)
    this.out('s.a.b', 1)
  }
}

test('an output within one that was emitted as one value is refused', async () => {
  const failed: unknown = await new Emits().execute().catch((error: Error) => error.cause)
  expect(failed).toBeInstanceOf(PortValidationError)
  expect((failed as Error).message).toBe(
    "outputs.s.a.b: can't be emitted, because outputs.s.a was emitted as one value before. " +
      'Emit s.a as a whole, or only what is in it',
  )
})
