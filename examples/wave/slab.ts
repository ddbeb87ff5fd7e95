/** The outermost points of a part of a string. */
export interface Edges {
  readonly left: number
  readonly right: number
}

/** Where a string is held fast. */
export const FIXED: Edges = { left: 0, right: 0 }

/**
 * A part of a vibrating string, as an actor: it keeps the displacement of its points, now and one time
 * step before, and solves the wave equation for them. Of its neighbours it needs their outermost points.
 */
export class Slab {
  /** The displacement of each point now. */
  now: number[]
  /** The displacement of each point one step before. */
  before: number[]
  /** The square of the Courant number. */
  readonly courant2: number
  steps = 0

  constructor(shape: readonly number[], courant: number) {
    this.now = [...shape]
    this.before = [...shape]
    this.courant2 = courant ** 2
  }

  /** The outermost points now. */
  edges(): Edges {
    return { left: this.now[0] ?? 0, right: this.now.at(-1) ?? 0 }
  }

  /** Goes on by one time step, with the edges of both neighbours before it. Returns its own after it. */
  step(left: Edges, right: Edges): Edges {
    const points = [left.right, ...this.now, right.left]
    const next = this.now.map((point, index) => {
      const curvature = (points[index] ?? 0) - 2 * point + (points[index + 2] ?? 0)
      return 2 * point - (this.before[index] ?? 0) + this.courant2 * curvature
    })
    this.before = this.now
    this.now = next
    this.steps += 1
    return this.edges()
  }
}
