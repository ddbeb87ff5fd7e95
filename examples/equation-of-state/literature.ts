import type { LennardJones } from './lennard-jones.ts'

/** What the lattice sums in the literature give for a crystal at rest: the numbers to compare with. */
export type LiteratureValues = {
  /** r₀, the distance of nearest neighbours, in Å: 1.0902 σ. */
  readonly neighbourDistance: number
  /** E₀, in eV per atom: -8.610 ε. */
  readonly energy: number
  /** B₀, in eV/Å³: 75.19 ε/σ³. */
  readonly bulkModulus: number
}

// Σ r⁻¹² and Σ r⁻⁶ over the fcc lattice with r in nearest-neighbour distances: J. E. Lennard-Jones and A. E.
// Ingham, Proc. R. Soc. A 107, 636 (1925); C. Kittel, Introduction to Solid State Physics, chapter 3.
const twelfth = 12.13188
const sixth = 14.45392

/**
 * The minimum of E(r) = 2ε[A₁₂(σ/r)¹² − A₆(σ/r)⁶] at V = r³/√2: r₀⁶ = 2A₁₂/A₆ σ⁶, E₀ = −A₆²/(2A₁₂) ε and
 * B₀ = −8·E₀/V₀.
 */
export function literatureValues({ sigma, epsilon }: LennardJones): LiteratureValues {
  const neighbourDistance = sigma * Math.cbrt(Math.sqrt((2 * twelfth) / sixth))
  const energy = (-epsilon * sixth * sixth) / (2 * twelfth)
  const volume = (neighbourDistance * neighbourDistance * neighbourDistance) / Math.SQRT2
  return { neighbourDistance, energy, bulkModulus: (-8 * energy) / volume }
}
