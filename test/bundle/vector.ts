import type { SavedType } from '../../src/bundle/codec.ts'

/** A class of a user's own. */
export class Vector {
  readonly x: unknown
  readonly y: unknown

  constructor(x: unknown, y: unknown) {
    this.x = x
    this.y = y
  }
}

export const vectorType: SavedType<Vector, [unknown, unknown]> = {
  name: 'Vector',
  is: (value) => value instanceof Vector,
  encode: ({ x, y }) => [x, y],
  decode: ([x, y]) => new Vector(x, y),
}
