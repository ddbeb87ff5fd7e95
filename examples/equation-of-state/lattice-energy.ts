import { setTimeout as delay } from 'node:timers/promises'
import { while_, WorkChain, type WorkChainSpec } from 'damson'
import { addShells, neighbourDistanceAt, startSum, type LatticeSum } from './lennard-jones.ts'

/** So many shells are summed by one step. The engine saves the sum after each, so a crash costs no more than that. */
const shellsPerStep = 4096

const positive = { type: 'number', exclusiveMinimum: 0 } as const
const number = { type: 'number' } as const

/**
 * The energy of a Lennard-Jones crystal at one volume: a lattice sum over shells of neighbours, some shells a round, until it is as certain
 * as it has to be.
 */
export class LatticeEnergy extends WorkChain<typeof LatticeEnergy> {
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec
      .input('potential.sigma', {
        schema: positive,
        help: 'the distance at which the pair energy is zero, in Å',
      })
      .input('potential.epsilon', { schema: positive, help: 'the depth of the pair energy, in eV' })
      .input('lattice', { schema: { enum: ['fcc'] }, help: 'the crystal structure' })
      .input('volume', { schema: positive, help: 'in Å³ per atom' })
      .input('tolerance', { schema: positive, default: 1e-10, help: 'of the lattice sum, in eV per atom' })
      .input('pace', {
        schema: { type: 'number', minimum: 0 },
        default: 0,
        help: 'how long a step waits besides computing, in milliseconds; for watching it',
      })
      .output('volume', { schema: number, help: 'as it was given' })
      .output('energy', { schema: number, help: 'in eV per atom' })
      .output('shells', { schema: { type: 'integer' }, help: 'how many the sum took' })
      .outline(
        LatticeEnergy.prototype.start,
        while_(LatticeEnergy.prototype.notConverged)(LatticeEnergy.prototype.addShells),
        LatticeEnergy.prototype.emit,
      )
  }

  // All that has to outlive a crash: the engine saves it together with each transition.
  declare ctx: { sum: LatticeSum }

  start(): void {
    this.ctx.sum = startSum(neighbourDistanceAt(this.inputs.volume), this.inputs.tolerance)
  }

  notConverged(): boolean {
    return !this.ctx.sum.converged
  }

  async addShells(): Promise<void> {
    this.ctx.sum = addShells(this.inputs.potential, this.ctx.sum, shellsPerStep)
    await delay(this.inputs.pace, undefined, { signal: this.signal })
  }

  emit(): void {
    const { energy, shells } = this.ctx.sum
    this.outMany({ volume: this.inputs.volume, energy, shells })
  }
}
