/** What one layer of a cube of ions adds to the potential at the ion in its middle. */
export type Layer = {
  /** Where more layers follow: all of it. */
  readonly inside: number
  /** Where it is the last one: only what of its ions lies within the cube. */
  readonly last: number
}

/**
 * Layer `n` of a cube of rock salt, in units of e/(4πε₀d), where d is the distance of neighbours: the ions at (i, j, k) of which the largest
 * is n. Of those on a face of the last layer a half lies within the cube, on an edge a quarter, at a corner an eighth; then the cube is
 * neutral, and the sums over larger and larger cubes converge (H. M. Evjen, Phys. Rev. 39, 675 (1932)).
 *
 * Throws a RangeError if n is not a positive integer.
 */
export function layer(n: number): Layer {
  if (!Number.isInteger(n) || n < 1) throw new RangeError(`There is no layer ${n}: give a positive integer.`)
  let inside = 0
  let last = 0
  // Over n ≥ j ≥ k ≥ 0, times the symmetry.
  for (let j = 0; j <= n; j++) {
    for (let k = 0; k <= j; k++) {
      const orders = n === j && j === k ? 1 : n === j || j === k ? 3 : 6
      const signs = 2 * (j === 0 ? 1 : 2) * (k === 0 ? 1 : 2)
      const charge = (n + j + k) % 2 === 0 ? -1 : 1
      const potential = (orders * signs * charge) / Math.sqrt(n * n + j * j + k * k)
      inside += potential
      last += potential / 2 ** (1 + (j === n ? 1 : 0) + (k === n ? 1 : 0))
    }
  }
  return { inside, last }
}
