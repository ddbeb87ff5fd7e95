import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  fitBirchMurnaghan,
  toGigapascals,
  type BirchMurnaghan,
  type EnergyAtVolume,
} from '../../examples/equation-of-state/birch-murnaghan.ts'
import {
  addShells,
  evenVolumes,
  neighbourDistanceAt,
  startSum,
  type LatticeSum,
  type LennardJones,
} from '../../examples/equation-of-state/lennard-jones.ts'
import { literatureValues } from '../../examples/equation-of-state/literature.ts'
import { extent, HAS_MORE } from '../run/extent.ts'

type Input = {
  potential: LennardJones
  lattice: string
  volumes: { from: number; to: number; count: number }
  tolerance: number
}

const file = new URL('../../examples/equation-of-state/argon.json', import.meta.url)
const argon = JSON.parse(readFileSync(file, 'utf8')) as Input
const { potential } = argon

/** The energy from the Epstein zeta function of the fcc lattice, which gives both lattice sums to all digits. */
function exactEnergy(distance: number): number {
  const sixth = (potential.sigma / distance) ** 6
  return 2 * potential.epsilon * sixth * (12.13188019654458 * sixth - 14.45392104374447)
}

function sumInPortions(portion: number, distance = 3.7, tolerance = 1e-9): LatticeSum {
  let sum = startSum(distance, tolerance)
  while (!sum.converged) sum = addShells(potential, sum, portion)
  return sum
}

/** The equation of state itself, in its usual form. */
function birchMurnaghanEnergy(state: BirchMurnaghan, volume: number): number {
  const strain = (state.volume / volume) ** (2 / 3) - 1
  const cubed = strain ** 3 * state.bulkModulusDerivative
  const squared = strain ** 2 * (6 - 4 * (strain + 1))
  return state.energy + ((9 * state.volume * state.bulkModulus) / 16) * (cubed + squared)
}

const example = { volume: 36, energy: -0.09, bulkModulus: 0.02, bulkModulusDerivative: 8 }

function examplePoints(volumes: readonly number[]): EnergyAtVolume[] {
  return volumes.map((volume) => ({ volume, energy: birchMurnaghanEnergy(example, volume) }))
}

/** The largest relative deviation of the four parameters. */
function deviation(found: BirchMurnaghan, expected: BirchMurnaghan): number {
  return Math.max(
    Math.abs(found.volume / expected.volume - 1),
    Math.abs(found.energy / expected.energy - 1),
    Math.abs(found.bulkModulus / expected.bulkModulus - 1),
    Math.abs(found.bulkModulusDerivative / expected.bulkModulusDerivative - 1),
  )
}

describe('the lattice sum', () => {
  it('fills the shells of an fcc crystal with 12, 6, 24, 12, 24, 8, 48, 6, 36 and 24 neighbours', () => {
    const totals = Array.from(
      { length: 10 },
      (_, index) => addShells(potential, startSum(3.7, 1e-9), index + 1).neighbours,
    )
    expect(totals).toEqual([12, 18, 42, 54, 78, 86, 134, 140, 176, 200])
  })

  it('passes over the shells that hold no atom', () => {
    const before = addShells(potential, startSum(3.7, 1e-9), 13)
    const after = addShells(potential, before, 1)
    expect(after.shells).toBe(14)
    expect(after.neighbours).toBe(before.neighbours)
    expect(after.shellEnergy).toBe(before.shellEnergy)
  })

  it.each([1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11])(
    'is no further from the exact energy than its own uncertainty, with a tolerance of %d eV',
    (tolerance) => {
      for (const distance of [3.3, 3.6, 3.7066, 3.9, 4.5]) {
        const sum = sumInPortions(1000, distance, tolerance)
        expect(sum.uncertainty).toBeLessThanOrEqual(tolerance)
        expect(Math.abs(sum.energy - exactEnergy(distance))).toBeLessThanOrEqual(sum.uncertainty ?? 0)
      }
    },
  )

  it('takes more shells for a smaller tolerance', () => {
    expect(sumInPortions(1000, 3.7, 1e-10).shells).toBeGreaterThan(sumInPortions(1000, 3.7, 1e-7).shells)
  })

  it('has the same bits however its shells are portioned', () => {
    const whole = sumInPortions(1_000_000)
    expect(whole.shells).toBeGreaterThan(500)
    for (const portion of [1, 7, 64, 1000]) expect(sumInPortions(portion)).toStrictEqual(whole)
  })

  it('has the same bits when it is saved as JSON and taken up again after every portion', () => {
    let sum = startSum(3.7, 1e-9)
    while (!sum.converged) sum = JSON.parse(JSON.stringify(addShells(potential, sum, 37))) as LatticeSum
    expect(sum).toStrictEqual(sumInPortions(1_000_000))
  })

  it('does not change once it has converged', () => {
    const converged = sumInPortions(1000)
    expect(addShells(potential, converged, 1000)).toStrictEqual(converged)
  })

  it('leaves the sum it was given as it was', () => {
    const start = startSum(3.7, 1e-9)
    addShells(potential, start, 100)
    expect(start).toStrictEqual(startSum(3.7, 1e-9))
  })

  it('gives up on a tolerance that 65,536 shells did not reach', () => {
    const late: LatticeSum = { ...startSum(3.7, 1e-30), shells: 65_536, uncertainty: 1e-14 }
    expect(() => addShells(potential, late, 1)).toThrow(/uncertain by 1e-14 eV after 65536 shells.*larger/)
  })

  it.each([0, -1, NaN, Infinity])('refuses a distance, tolerance, sigma or epsilon of %d', (value) => {
    expect(() => startSum(value, 1e-9)).toThrow(RangeError)
    expect(() => startSum(3.7, value)).toThrow(RangeError)
    const start = startSum(3.7, 1e-9)
    expect(() => addShells({ sigma: value, epsilon: 1 }, start, 1)).toThrow(RangeError)
    expect(() => addShells({ sigma: 1, epsilon: value }, start, 1)).toThrow(RangeError)
  })

  it.each([0, -1, 1.5, NaN])('refuses to add %d shells', (count) => {
    expect(() => addShells(potential, startSum(3.7, 1e-9), count)).toThrow(/positive integer/)
  })
})

describe('the volumes', () => {
  it('are at equal distances and include both ends', () => {
    const volumes = evenVolumes({ from: 10, to: 12, count: 5 })
    expect(volumes).toEqual([10, 10.5, 11, 11.5, 12])
  })

  it('are at least two', () => {
    expect(() => evenVolumes({ from: 10, to: 12, count: 1 })).toThrow(RangeError)
  })

  it('hold one atom of an fcc crystal each: four in a cube with neighbours at half its diagonal', () => {
    const edge = 5.2
    expect(neighbourDistanceAt(edge ** 3 / 4)).toBeCloseTo(edge / Math.SQRT2, 12)
  })
})

describe('the Birch–Murnaghan fit', () => {
  it('finds the parameters from which the energies were made', () => {
    expect(deviation(fitBirchMurnaghan(examplePoints([33, 34, 35.5, 37, 38, 40])), example)).toBeLessThan(
      1e-8,
    )
  })

  it('passes through four points', () => {
    expect(deviation(fitBirchMurnaghan(examplePoints([34, 35, 37, 39])), example)).toBeLessThan(1e-8)
  })

  it('is a least-squares fit: a scatter that no cubic can follow leaves it where it was', () => {
    const scatter = [1, -4, 6, -4, 1]
    // Equal steps in V^(-2/3), where the fourth difference is orthogonal to every cubic.
    const volumes = [-2, -1, 0, 1, 2].map((step) => 36 / (1 + step * 0.02) ** 1.5)
    const scattered = examplePoints(volumes).map(({ volume, energy }, index) => ({
      volume,
      energy: energy + 1e-5 * (scatter[index] ?? 0),
    }))
    expect(deviation(fitBirchMurnaghan(scattered), example)).toBeLessThan(1e-8)
  })

  it('needs four different volumes', () => {
    expect(() => fitBirchMurnaghan(examplePoints([35, 36, 37, 37]))).toThrow(/3 different volumes/)
    expect(() => fitBirchMurnaghan([])).toThrow(/0 different volumes/)
  })

  it('refuses energies without a minimum in the range of volumes', () => {
    expect(() => fitBirchMurnaghan(examplePoints([37, 38, 39, 40]))).toThrow(/no minimum between 37 and 40/)
    expect(() => fitBirchMurnaghan(examplePoints([30, 31, 32, 33]))).toThrow(/no minimum between 30 and 33/)
    const upsideDown = examplePoints([34, 35, 37, 38]).map(({ volume, energy }) => ({
      volume,
      energy: -energy,
    }))
    expect(() => fitBirchMurnaghan(upsideDown)).toThrow(/no minimum/)
  })

  it('refuses a volume that is not positive and an energy that is not finite', () => {
    const points = examplePoints([34, 35, 37, 39])
    expect(() => fitBirchMurnaghan([...points, { volume: -1, energy: 0 }])).toThrow(/-1 Å³/)
    expect(() => fitBirchMurnaghan([...points, { volume: 36, energy: NaN }])).toThrow(/NaN eV/)
  })

  it('gives the bulk modulus in GPa', () => {
    expect(toGigapascals(0.02)).toBeCloseTo(3.204353268, 12)
  })
})

// The energies take longer than most files. test/examples/equation-of-state.test.ts has fewer.
describe.each(extent === 'some' ? [] : ['argon'])('%s', HAS_MORE, () => {
  const points = evenVolumes(argon.volumes).map((volume) => ({
    volume,
    energy: sumInPortions(1000, neighbourDistanceAt(volume), argon.tolerance).energy,
  }))
  const fitted = fitBirchMurnaghan(points)
  const distance = neighbourDistanceAt(fitted.volume)
  const literature = literatureValues(potential)
  const { sigma, epsilon } = potential

  it('is described by an input file with 9 to 13 volumes of an fcc crystal', () => {
    expect(argon.lattice).toBe('fcc')
    expect(points.length).toBeGreaterThanOrEqual(9)
    expect(points.length).toBeLessThanOrEqual(13)
  })

  it('has the 1.0902 σ, -8.610 ε and 75.19 ε/σ³ of the literature', () => {
    expect(literature.neighbourDistance / sigma).toBeCloseTo(1.0902, 4)
    expect(literature.energy / epsilon).toBeCloseTo(-8.61, 3)
    expect((literature.bulkModulus * sigma ** 3) / epsilon).toBeCloseTo(75.185, 3)
    expect(toGigapascals(literature.bulkModulus)).toBeCloseTo(3.187, 3)
  })

  it('comes out within 0.1 % of the literature: distance, cohesive energy and bulk modulus', () => {
    expect(Math.abs(distance / literature.neighbourDistance - 1)).toBeLessThan(1e-6)
    expect(Math.abs(fitted.energy / literature.energy - 1)).toBeLessThan(1e-6)
    expect(Math.abs(fitted.bulkModulus / literature.bulkModulus - 1)).toBeLessThan(1e-3)
  })

  it('comes out with the derivative of the bulk modulus of any 12-6 crystal, 8, within 0.1 %', () => {
    expect(Math.abs(fitted.bulkModulusDerivative / 8 - 1)).toBeLessThan(1e-3)
  })

  it('has the same bits when it is fitted again', () => {
    expect(fitBirchMurnaghan(points)).toStrictEqual(fitted)
  })
})
