import { append, WorkChain, type ExitCode, type WorkChainSpec } from 'damson'
import { fitBirchMurnaghan, NoMinimum, toGigapascals } from './birch-murnaghan.ts'
import { LatticeEnergy } from './lattice-energy.ts'
import { evenVolumes, neighbourDistanceAt } from './lennard-jones.ts'
import { literatureValues } from './literature.ts'

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
 * Computes what a Lennard-Jones crystal is like at rest: the energy per atom at several volumes, each by a process of its own, and an
 * equation of state fitted to them.
 */
export class EquationOfState extends WorkChain<typeof EquationOfState> {
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec
      .exposeInputs(LatticeEnergy, { exclude: ['volume'] })
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
      .outline(EquationOfState.prototype.sumVolumes, EquationOfState.prototype.fit)
  }

  declare ctx: { points: Point[] }

  /** All volumes at once; how many of them are computed at a time is for the engine to say. Their outputs are in `ctx` when `fit` runs. */
  async sumVolumes(): Promise<void> {
    const shared = this.exposedInputs(LatticeEnergy)
    const volumes = evenVolumes(this.inputs.volumes)
    const children = await Promise.all(
      volumes.map((volume) =>
        this.launch(LatticeEnergy, { ...shared, volume }, { label: `${volume.toFixed(1)} Å³` }),
      ),
    )
    for (const child of children) this.toContext({ points: append(child) })
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
    const { sigma, epsilon } = this.inputs.potential
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
}
