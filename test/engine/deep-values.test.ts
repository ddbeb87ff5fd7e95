import { describe, expect, test } from 'vitest'
import { Continue, Process, PortValidationError, type ProcessSpec } from '../../src/index.ts'
import { overEachStore } from './over-stores.ts'

/** One level of a value, around an inner one, by its kind. */
const around = {
  object: (inner: unknown) => ({ x: inner }),
  list: (inner: unknown) => [inner],
  map: (inner: unknown) => new Map([['x', inner]]),
  set: (inner: unknown) => new Set([inner]),
} as const satisfies Readonly<Record<string, (inner: unknown) => object>>
type Kind = keyof typeof around
const KINDS = Object.keys(around) as Kind[]

/** Objects of a kind within each other. */
function nested(levels: number, kind: Kind = 'object'): unknown {
  let value: unknown = 'inside'
  for (let level = 0; level < levels; level++) value = around[kind](value)
  return value
}
/** The value one level further inside. */
function insideOf(value: object): unknown {
  const [inner] = value instanceof Map || value instanceof Set ? value.values() : Object.values(value)
  return inner
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
      for (const kind of KINDS)
        await expect(engine.launch(Deep, { value: nested(levels, kind) })).rejects.toThrow(TOO_DEEP)
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
  test.each(KINDS)('values of any depth are copied: %s', async (kind) => {
    const value = nested(5_000, kind)
    const process = new Deep({ value })
    let depth = 0
    let original = value
    for (let at: unknown = process.inputs.value; typeof at === 'object' && at !== null; depth++) {
      const isCopy = at !== original && (kind === 'map' || kind === 'set' || Object.isFrozen(at))
      if (!isCopy) throw new Error(`level ${depth} is no copy, or is not frozen`)
      at = insideOf(at)
      original = insideOf(original as object)
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
