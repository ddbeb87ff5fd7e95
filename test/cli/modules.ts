/** Modules as a user writes them. */

/** An enum, a parameter property and a type import: what Node's own stripping of types can't take, or must drop. */
export const ADD = `
import { Continue, Process, type ProcessSpec } from 'damson'

enum Limit { Sum = 100 }

class Ceiling {
  constructor(readonly value: number) {}
}

export class Add extends Process<typeof Add> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('a', { schema: { type: 'number' }, help: 'first summand' })
      .input('b', { schema: { type: 'number', minimum: 0 }, default: 1 })
      .input('options.note', { required: false, schema: { type: 'string' } })
      .output('sum', { schema: { type: 'number' } })
      .exitCode(310, 'ERROR_TOO_LARGE', 'the sum is above {limit}')
  }
  run() {
    return new Continue(this.add)
  }
  add() {
    const { a, b } = this.inputs
    const limit = new Ceiling(Limit.Sum).value
    if (a + b > limit) return this.exitCodes.ERROR_TOO_LARGE({ limit })
    this.out('sum', a + b)
    return undefined
  }
}
`

export const SEVERAL = `
import { Process, Wait } from 'damson'

export class Fail extends Process {
  run() {
    throw new Error('no such atom', { cause: new RangeError('symbol Xx') })
  }
}

export class Hold extends Process {
  run() {
    return new Wait(this.end, { message: 'for a word' })
  }
  end() {
    return 'heard'
  }
}

export const other = 1
`

/** Each step ends when there is a file of its name in the folder. */
export const GATED = `
import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { Continue, Process, type ProcessSpec } from 'damson'

export class Gated extends Process<typeof Gated> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.output('done', { schema: { type: 'string' } })
  }
  async run() {
    await gate('first')
    return new Continue(this.second)
  }
  async second() {
    await gate('second')
    this.out('done', 'both')
  }
}

async function gate(name: string): Promise<void> {
  console.error('in step ' + name)
  while (!existsSync(name)) await delay(5)
}
`
