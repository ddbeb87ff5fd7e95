/**
 * The third-order Birch–Murnaghan equation of state, fitted to energies at several volumes.
 *
 * Its E(V) is a cubic polynomial in x = V^(-2/3), so that the least-squares fit is linear and has one solution; no
 * first guess and no iteration.
 */

/** The energy of the crystal, in eV per atom, at a volume in Å³ per atom. */
export type EnergyAtVolume = { readonly volume: number; readonly energy: number }

/** The four parameters of the equation of state. */
export type BirchMurnaghan = {
  /** V₀, the volume at which the energy is lowest, in Å³ per atom. */
  readonly volume: number
  /** E₀, the energy there, in eV per atom. */
  readonly energy: number
  /** B₀, the bulk modulus there, in eV/Å³. */
  readonly bulkModulus: number
  /** B₀′, the derivative of the bulk modulus by pressure there, without a unit. */
  readonly bulkModulusDerivative: number
}

/** The energies have no minimum between the smallest and the largest volume: choose another range. */
export class NoMinimum extends RangeError {
  override readonly name = 'NoMinimum'
}

/**
 * The equation of state closest to the points, each counted alike. The same points in the same order give the same
 * bits.
 *
 * Throws a RangeError if a volume is not a positive number or an energy not finite, or if there are fewer than four
 * different volumes; NoMinimum if the energy has no minimum between the smallest and the largest.
 */
export function fitBirchMurnaghan(points: readonly EnergyAtVolume[]): BirchMurnaghan {
  for (const { volume, energy } of points) {
    if (volume > 0 && volume < Infinity && Number.isFinite(energy)) continue
    throw new RangeError(
      `The energy at ${volume} Å³ is ${energy} eV: give a positive volume and a finite energy.`,
    )
  }
  const different = new Set(points.map((point) => point.volume)).size
  const first = points[0]
  if (first === undefined || different < 4) {
    throw new RangeError(`There are energies at ${different} different volumes: a fit needs at least 4.`)
  }

  // In x itself the normal equations would lose most digits: t runs from -1 to 1 over the range.
  const x = points.map(({ volume }) => 1 / Math.cbrt(volume * volume))
  const least = Math.min(...x)
  const most = Math.max(...x)
  const centre = (least + most) / 2
  const scale = (most - least) / 2
  const [c0, c1, c2, c3] = fitCubic(
    x.map((value) => (value - centre) / scale),
    points.map(({ energy }) => energy - first.energy),
  )

  // Of the roots of c1 + 2·c2·t + 3·c3·t², the one where the second derivative is positive.
  const t = -c1 / (c2 + Math.sqrt(c2 * c2 - 3 * c1 * c3))
  const second = (2 * c2 + 6 * c3 * t) / (scale * scale)
  const third = (6 * c3) / (scale * scale * scale)
  if (!(second > 0 && Math.abs(t) <= 1)) {
    throw new NoMinimum(
      `The energy has no minimum between ${Math.min(...points.map((point) => point.volume))} and ` +
        `${Math.max(...points.map((point) => point.volume))} Å³: choose a range of volumes that holds it.`,
    )
  }

  const x0 = centre + scale * t
  const volume = 1 / (x0 * Math.sqrt(x0))
  return {
    volume,
    energy: first.energy + (c0 + t * (c1 + t * (c2 + t * c3))),
    // V·d²E/dV², and -1 - V·E‴/E″, by the chain rule at dE/dx = 0.
    bulkModulus: (4 * x0 * x0 * second) / (9 * volume),
    bulkModulusDerivative: 4 + (2 * x0 * third) / (3 * second),
  }
}

/** A pressure or bulk modulus given in eV/Å³, in GPa. */
export function toGigapascals(electronvoltsPerCubicAngstrom: number): number {
  // e · 10³⁰ · 10⁻⁹, exact since the SI of 2019.
  return electronvoltsPerCubicAngstrom * 160.2176634
}

type Cubic = readonly [number, number, number, number]

/**
 * The coefficients c of the cubic c0 + c1·t + c2·t² + c3·t³ closest to y at the abscissas t within [-1, 1], by
 * projection on polynomials made orthogonal over these abscissas.
 */
function fitCubic(t: readonly number[], y: readonly number[]): Cubic {
  const basis: { readonly values: readonly number[]; readonly coefficients: Cubic }[] = []
  let residual = y
  let fitted: Cubic = [0, 0, 0, 0]
  for (let degree = 0; degree < 4; degree++) {
    let values = t.map((value) => power(value, degree))
    let coefficients: Cubic = [
      degree === 0 ? 1 : 0,
      degree === 1 ? 1 : 0,
      degree === 2 ? 1 : 0,
      degree === 3 ? 1 : 0,
    ]
    for (const lower of basis) {
      const share = dot(values, lower.values) / dot(lower.values, lower.values)
      values = addScaled(values, -share, lower.values)
      coefficients = addScaledCubic(coefficients, -share, lower.coefficients)
    }
    const share = dot(residual, values) / dot(values, values)
    residual = addScaled(residual, -share, values)
    fitted = addScaledCubic(fitted, share, coefficients)
    basis.push({ values, coefficients })
  }
  return fitted
}

function power(value: number, exponent: number): number {
  let product = 1
  for (let factor = 0; factor < exponent; factor++) product *= value
  return product
}

function dot(left: readonly number[], right: readonly number[]): number {
  return left.reduce((total, value, index) => total + value * (right[index] ?? 0), 0)
}

function addScaled(to: readonly number[], factor: number, other: readonly number[]): number[] {
  return to.map((value, index) => value + factor * (other[index] ?? 0))
}

function addScaledCubic(to: Cubic, factor: number, other: Cubic): Cubic {
  return [
    to[0] + factor * other[0],
    to[1] + factor * other[1],
    to[2] + factor * other[2],
    to[3] + factor * other[3],
  ]
}
