/**
 * The energy of an fcc crystal under the Lennard-Jones 12-6 potential, summed over shells of neighbours.
 *
 * Units: Å, Å³ per atom, eV per atom. Terms are always added in the order of the shells, so that a sum interrupted
 * anywhere and taken up again has the same bits.
 */

/** φ(r) = 4ε[(σ/r)¹² − (σ/r)⁶]. */
export type LennardJones = {
  /** The distance at which φ is zero, in Å. */
  readonly sigma: number
  /** The depth of the well, in eV. */
  readonly epsilon: number
}

/**
 * A lattice sum under way: plain JSON, all that is needed to take it up again. `startSum` makes one, `addShells`
 * carries it on.
 */
export type LatticeSum = {
  /** The distance of nearest neighbours, in Å. */
  readonly neighbourDistance: number
  /** The largest uncertainty that counts as converged, in eV per atom. */
  readonly tolerance: number
  /** How many shells have been summed. Shell n lies at √n nearest-neighbour distances; a few are empty. */
  readonly shells: number
  /** How many neighbours these shells hold. */
  readonly neighbours: number
  /** The energy of these neighbours alone, in eV per atom. */
  readonly shellEnergy: number
  /** The tail-corrected energies since the number of shells last was a power of two: extremes and total. */
  readonly window: { readonly low: number; readonly high: number; readonly total: number }
  /** The best energy so far, in eV per atom: the mean of the last complete window. */
  readonly energy: number
  /** The spread of the last complete window, in eV per atom; null before there is one. */
  readonly uncertainty: number | null
  /** Whether the uncertainty is within the tolerance. More shells then change nothing. */
  readonly converged: boolean
}

// Below this, two estimates can agree by chance.
const firstWindowEnd = 64
// The work grows with the square of the shells, and rounding takes over: beyond, waiting does not help.
const mostShells = 65_536

/**
 * A sum without shells for atoms at `neighbourDistance` Å, to be converged to `tolerance` eV per atom.
 *
 * Throws a RangeError if one of them is not a positive number.
 */
export function startSum(neighbourDistance: number, tolerance: number): LatticeSum {
  requirePositive('The distance of neighbours', neighbourDistance)
  requirePositive('The tolerance of a lattice sum', tolerance)
  return {
    neighbourDistance,
    tolerance,
    shells: 0,
    neighbours: 0,
    shellEnergy: 0,
    window: { low: 0, high: 0, total: 0 },
    energy: 0,
    uncertainty: null,
    converged: false,
  }
}

/**
 * The sum with the next `count` shells, or fewer if it converges before. However the shells are portioned, the
 * result has the same bits. Shell n costs a time proportional to n.
 *
 * The bare sum of r⁻⁶ converges only as fast as 1/R³, so each partial sum is completed by the integral over a
 * uniform crystal beyond R, less the pair energy at R for each atom that the sphere holds in excess of its volume.
 * What remains is an oscillation about the limit. It counts as converged when it stays within the tolerance over a
 * whole doubling of the shells (from n to 2n); two equal estimates in succession would prove nothing.
 *
 * Throws a RangeError if `count` is not a positive integer, if the potential is not made of positive numbers, or
 * if the tolerance has not been reached after 65,536 shells.
 */
export function addShells(potential: LennardJones, sum: LatticeSum, count: number): LatticeSum {
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(`The number of shells to add is ${count}: give a positive integer.`)
  }
  requirePositive('The sigma of the potential', potential.sigma)
  requirePositive('The epsilon of the potential', potential.epsilon)

  let { shells, neighbours, shellEnergy, energy, uncertainty, converged } = sum
  let { low, high, total } = sum.window
  const squaredDistance = sum.neighbourDistance * sum.neighbourDistance

  for (let added = 0; added < count && !converged; added++) {
    if (shells === mostShells) {
      throw new RangeError(
        `The lattice sum at ${sum.neighbourDistance} Å is uncertain by ${uncertainty} eV after ${shells} shells, ` +
          `more than the tolerance of ${sum.tolerance} eV: ask for a larger tolerance.`,
      )
    }
    const windowBegins = isPowerOfTwo(shells)
    shells += 1
    const inShell = neighboursInShell(shells)
    neighbours += inShell
    shellEnergy += (inShell * pairEnergy(potential, shells * squaredDistance)) / 2

    const estimate = shellEnergy + tailEnergy(potential, sum.neighbourDistance, shells, neighbours)
    low = windowBegins ? estimate : Math.min(low, estimate)
    high = windowBegins ? estimate : Math.max(high, estimate)
    total = windowBegins ? estimate : total + estimate

    if (shells < firstWindowEnd) {
      energy = estimate
    } else if (isPowerOfTwo(shells)) {
      energy = total / (shells / 2)
      uncertainty = high - low
      converged = uncertainty <= sum.tolerance
    }
  }
  const { neighbourDistance, tolerance } = sum
  const window = { low, high, total }
  return {
    neighbourDistance,
    tolerance,
    shells,
    neighbours,
    shellEnergy,
    window,
    energy,
    uncertainty,
    converged,
  }
}

/** The distance of nearest neighbours, in Å, in an fcc crystal of `volume` Å³ per atom. */
export function neighbourDistanceAt(volume: number): number {
  return Math.cbrt(Math.SQRT2 * volume)
}

/** `count` volumes at equal distances, both ends among them. Throws a RangeError if there are fewer than two. */
export function evenVolumes(range: {
  readonly from: number
  readonly to: number
  readonly count: number
}): number[] {
  if (!Number.isInteger(range.count) || range.count < 2) {
    throw new RangeError(`The count of volumes is ${range.count}: give an integer of at least 2.`)
  }
  const intervals = range.count - 1
  return Array.from({ length: range.count }, (_, index) => {
    return (range.from * (intervals - index) + range.to * index) / intervals
  })
}

/** φ at a squared distance in Å². */
function pairEnergy(potential: LennardJones, squaredDistance: number): number {
  const ratio = (potential.sigma * potential.sigma) / squaredDistance
  const sixth = ratio * ratio * ratio
  return 4 * potential.epsilon * sixth * (sixth - 1)
}

/** What the crystal beyond the shells adds to the energy of an atom: see `addShells`. */
function tailEnergy(
  potential: LennardJones,
  neighbourDistance: number,
  shells: number,
  neighbours: number,
): number {
  // Half-way to the next shell.
  const squaredRadius = (shells + 0.5) * neighbourDistance * neighbourDistance
  const radius = Math.sqrt(squaredRadius)
  const cubedRadius = squaredRadius * radius
  const density = Math.SQRT2 / (neighbourDistance * neighbourDistance * neighbourDistance)
  const sixth = (potential.sigma * potential.sigma * potential.sigma) / cubedRadius
  const attraction = (sixth * sixth) / 3
  const repulsion = (sixth * sixth * sixth * sixth) / 9
  const uniform = 8 * Math.PI * density * potential.epsilon * cubedRadius * (repulsion - attraction)
  const excess = 1 + neighbours - (4 / 3) * Math.PI * density * cubedRadius
  return uniform - (excess * pairEnergy(potential, squaredRadius)) / 2
}

/**
 * The atoms of an fcc lattice at √shell nearest-neighbour distances: in units of half the cubic cell's edge they
 * are the integers with i² + j² + k² = 2·shell. Counted over 0 ≤ i ≤ j ≤ k and multiplied by the symmetry.
 */
function neighboursInShell(shell: number): number {
  const square = 2 * shell
  let atoms = 0
  for (let i = 0; 3 * i * i <= square; i++) {
    for (let j = i; i * i + 2 * j * j <= square; j++) {
      const k = Math.sqrt(square - i * i - j * j)
      if (!Number.isInteger(k)) continue
      const orders = i === j && j === k ? 1 : i === j || j === k ? 3 : 6
      const signs = (i === 0 ? 1 : 2) * (j === 0 ? 1 : 2) * (k === 0 ? 1 : 2)
      atoms += orders * signs
    }
  }
  return atoms
}

function isPowerOfTwo(count: number): boolean {
  return (count & (count - 1)) === 0
}

function requirePositive(what: string, value: number): void {
  if (!(value > 0 && value < Infinity)) throw new RangeError(`${what} is ${value}: give a positive number.`)
}
