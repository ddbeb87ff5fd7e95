import { setTimeout as delay } from 'node:timers/promises'
import { Continue, Process, type ExitCode, type ProcessSpec } from 'damson'
import { fitBirchMurnaghan, NoMinimum, toGigapascals } from './birch-murnaghan.ts'
import {
  addShells,
  evenVolumes,
  neighbourDistanceAt,
  startSum,
  type LatticeSum,
  type LennardJones,
} from './lennard-jones.ts'
import { literatureValues } from './literature.ts'

/** So many shells are summed by one step. The engine saves the sum after each, so a crash costs no more than that. */
const shellsPerStep = 8192

const positive = { type: 'number', exclusiveMinimum: 0 } as const
const number = { type: 'number' } as const

const pointSchema = {
  type: 'object',
  properties: { volume: number, energy: number, shells: { type: 'integer' } },
  required: ['volume', 'energy', 'shells'],
  additionalProperties: false,
} as const

/** A volume in Å³ per atom, the energy there in eV per atom, and how many shells the lattice sum took. */
type Point = { volume: number; energy: number; shells: number }

/**
 * Computes what a Lennard-Jones crystal is like at rest: the energy per atom at several volumes, each by a lattice
 * sum over shells of neighbours, and an equation of state fitted to them.
 *
 * `run` → `sum` (again and again: some shells of one volume each time) → `fit`.
 */
export class EquationOfState extends Process<typeof EquationOfState> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('potential.sigma', {
        schema: positive,
        help: 'the distance at which the pair energy is zero, in Å',
      })
      .input('potential.epsilon', { schema: positive, help: 'the depth of the pair energy, in eV' })
      .input('lattice', { schema: { enum: ['fcc'] }, help: 'the crystal structure' })
      .inputNamespace('volumes', {
        help: 'the volumes to compute, at equal distances',
        validator: ({ from, to }) =>
          Number(from) < Number(to) ? undefined : '`from` must be less than `to`',
      })
      .input('volumes.from', { schema: positive, help: 'the smallest, in Å³ per atom' })
      .input('volumes.to', { schema: positive, help: 'the largest, in Å³ per atom' })
      .input('volumes.count', {
        schema: { type: 'integer', minimum: 4 },
        help: 'how many; the fit needs four',
      })
      .input('tolerance', { schema: positive, default: 1e-10, help: 'of a lattice sum, in eV per atom' })
      .input('pace', {
        schema: { type: 'number', minimum: 0 },
        default: 0,
        help: 'how long a step waits besides computing, in milliseconds; for watching it',
      })
      .output('neighbourDistance.angstrom', {
        schema: number,
        help: 'between nearest neighbours, at the minimum',
      })
      .output('neighbourDistance.sigma', { schema: number, help: 'the same, in σ' })
      .output('energy.electronvolt', { schema: number, help: 'per atom, at the minimum' })
      .output('energy.epsilon', { schema: number, help: 'the same, in ε' })
      .output('bulkModulus.gigapascal', { schema: number, help: 'at the minimum' })
      .output('bulkModulus.electronvoltPerCubicAngstrom', { schema: number, help: 'the same' })
      .output('bulkModulus.reduced', { schema: number, help: 'the same, in ε/σ³' })
      .output('bulkModulusDerivative', {
        schema: number,
        help: 'of the bulk modulus by pressure, at the minimum',
      })
      .output('points', {
        schema: { type: 'array', items: pointSchema },
        help: 'the energies that were fitted',
      })
      .output('deviation.neighbourDistance', {
        schema: number,
        help: 'from the literature: 0.01 is one per cent',
      })
      .output('deviation.energy', { schema: number, help: 'the same, of the energy' })
      .output('deviation.bulkModulus', { schema: number, help: 'the same, of the bulk modulus' })
      .exitCode(310, 'ERROR_NO_MINIMUM', 'the energy has no minimum between {from} and {to} Å³ per atom')
  }

  // All that has to outlive a crash: the engine saves it together with each transition.
  declare ctx: {
    points: Point[]
    /** The lattice sum of the volume that comes after these points. */
    sum: LatticeSum
  }

  override run(): Continue {
    this.ctx.points = []
    return this.#nextVolume()
  }

  /** Adds some shells. What it returns leads to the next portion, the next volume, or the fit. */
  async sum(): Promise<Continue> {
    const sum = addShells(this.#potential(), this.ctx.sum, shellsPerStep)
    await delay(this.inputs.pace, undefined, { signal: this.signal })
    if (!sum.converged) {
      this.ctx.sum = sum
      this.#tellProgress(`${sum.shells} shells`)
      return new Continue(this.sum)
    }
    const volume = this.#volumes()[this.ctx.points.length] as number
    this.ctx.points.push({ volume, energy: sum.energy, shells: sum.shells })
    return this.#nextVolume()
  }

  fit(): ExitCode | undefined {
    const { points } = this.ctx
    try {
      this.#emit(points)
    } catch (error) {
      if (error instanceof NoMinimum) return this.exitCodes.ERROR_NO_MINIMUM(this.inputs.volumes)
      throw error
    }
    this.setStatus(`fitted ${points.length} volumes`)
    return undefined
  }

  #emit(points: Point[]): void {
    const { sigma, epsilon } = this.#potential()
    const found = fitBirchMurnaghan(points)
    const neighbourDistance = neighbourDistanceAt(found.volume)
    const literature = literatureValues({ sigma, epsilon })

    this.out('neighbourDistance.angstrom', neighbourDistance)
    this.out('neighbourDistance.sigma', neighbourDistance / sigma)
    this.out('energy.electronvolt', found.energy)
    this.out('energy.epsilon', found.energy / epsilon)
    this.out('bulkModulus.gigapascal', toGigapascals(found.bulkModulus))
    this.out('bulkModulus.electronvoltPerCubicAngstrom', found.bulkModulus)
    this.out('bulkModulus.reduced', (found.bulkModulus * sigma ** 3) / epsilon)
    this.out('bulkModulusDerivative', found.bulkModulusDerivative)
    this.out('points', points)
    this.out('deviation.neighbourDistance', neighbourDistance / literature.neighbourDistance - 1)
    this.out('deviation.energy', found.energy / literature.energy - 1)
    this.out('deviation.bulkModulus', found.bulkModulus / literature.bulkModulus - 1)
  }

  #nextVolume(): Continue {
    const volume = this.#volumes()[this.ctx.points.length]
    if (volume === undefined) {
      this.setStatus('all volumes are summed')
      return new Continue(this.fit)
    }
    this.ctx.sum = startSum(neighbourDistanceAt(volume), this.inputs.tolerance)
    this.#tellProgress('no shells yet')
    return new Continue(this.sum)
  }

  #tellProgress(shells: string): void {
    this.setStatus(`volume ${this.ctx.points.length + 1} of ${this.inputs.volumes.count}: ${shells}`)
  }

  #potential(): LennardJones {
    return this.inputs.potential
  }

  #volumes(): number[] {
    return evenVolumes(this.inputs.volumes)
  }
}
