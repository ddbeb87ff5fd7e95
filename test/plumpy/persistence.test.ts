import { expect, test } from 'vitest'
import { Bundle, Process, type SavedType } from 'damson'
import { Nothing } from './example-processes.ts'

class Vector {
  readonly x: number
  constructor(x: number) {
    this.x = x
  }
}
const vectorType: SavedType<Vector, number> = {
  name: 'Vector',
  is: (value) => value instanceof Vector,
  encode: ({ x }) => x,
  decode: (x) => new Vector(x),
}

class Keeps extends Process {
  static override readonly persisted = ['test']
  test = 'sup yp'
}

class KeepsVector extends Process {
  static override readonly persisted = ['vector']
  vector = new Vector(1)
}

test('a process that keeps nothing comes back from its bundle', () => {
  const once = Bundle.from(new Nothing())
  expect(Bundle.from(Nothing.recreateFrom(once)).text).toBe(once.text)
})

test('named members come back from a bundle', () => {
  const process = new Keeps()
  process.test = 'changed'
  const once = Bundle.from(process)
  const again = Keeps.recreateFrom(once)
  expect(again.test).toBe('changed')
  expect(Bundle.from(again).text).toBe(once.text)
})

test('a member of an own class comes back by its registered type', () => {
  const types = [vectorType as SavedType]
  const process = new KeepsVector(undefined, { types })
  process.vector = new Vector(7)
  const once = Bundle.from(process)
  const again = KeepsVector.recreateFrom(once, { types })
  expect(again.vector).toEqual(new Vector(7))
  expect(again.vector).toBeInstanceOf(Vector)
  expect(Bundle.from(again).text).toBe(once.text)
})

test('what the context carries is what the loaded process works with', () => {
  const messages: string[] = []
  const note = (_details: object, message: string): void => void messages.push(message)
  const logger = { debug: note, info: note, warn: note, error: note }
  const process = Bundle.from(new Nothing()).unbundle<Nothing>({ processes: [Nothing], logger })
  process.logger.info({}, 'heard')
  expect(messages).toEqual(['heard'])
})
