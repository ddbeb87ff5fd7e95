import { describe, expect, it, onTestFinished } from 'vitest'
import { fitBirchMurnaghan } from '../../examples/equation-of-state/birch-murnaghan.ts'
import { EquationOfState } from '../../examples/equation-of-state/equation-of-state.ts'
import { LatticeEnergy } from '../../examples/equation-of-state/lattice-energy.ts'
import {
  addShells,
  evenVolumes,
  neighbourDistanceAt,
  startSum,
} from '../../examples/equation-of-state/lennard-jones.ts'
import { Engine } from '../../src/index.ts'
import { extent, HAS_MORE } from '../run/extent.ts'
import { expectDemoToSurvive } from './the-demo.ts'

describe('the work chain of the equation of state', () => {
  const inputs = {
    potential: { sigma: 3.4, epsilon: 0.0104 },
    lattice: 'fcc',
    volumes: { from: 35, to: 37, count: 5 },
    tolerance: 1e-6,
  } as const

  it('emits the crystal at rest and the energies that it comes from', async () => {
    const outputs = await new EquationOfState(inputs).execute()
    expect(outputs.neighbourDistance.sigma).toBeCloseTo(1.0902, 3)
    expect(outputs.neighbourDistance.angstrom).toBeCloseTo(1.0902 * 3.4, 2)
    expect(outputs.energy.epsilon).toBeCloseTo(-8.61, 2)
    expect(outputs.points.map(({ volume }) => volume)).toEqual([35, 35.5, 36, 36.5, 37])
    expect(Math.abs(outputs.deviation.bulkModulus)).toBeLessThan(0.01)
  })

  it('launches a process for each volume, and comes to the bits of the plain functions', async () => {
    const engine = await Engine.open({ store: ':memory:', processes: [EquationOfState, LatticeEnergy] })
    onTestFinished(() => engine.close())
    const handle = await engine.launch(EquationOfState, inputs)
    const outputs = await handle.outputs.all()
    const points = evenVolumes(inputs.volumes).map((volume) => {
      let sum = startSum(neighbourDistanceAt(volume), inputs.tolerance)
      while (!sum.converged) sum = addShells(inputs.potential, sum, 1000)
      return { volume, energy: sum.energy, shells: sum.shells }
    })
    expect(outputs.points).toStrictEqual(points)
    const fitted = fitBirchMurnaghan(points)
    expect(outputs.energy.electronvolt).toBe(fitted.energy)
    expect(outputs.bulkModulus.electronvoltPerCubicAngstrom).toBe(fitted.bulkModulus)
    expect(outputs.bulkModulusDerivative).toBe(fitted.bulkModulusDerivative)
    expect(outputs.neighbourDistance.angstrom).toBe(neighbourDistanceAt(fitted.volume))
    const { processes } = await engine.list({ parent: handle.pid })
    expect(processes.map(({ name }) => name)).toEqual(points.map(() => 'LatticeEnergy'))
  })

  it('finishes with exit code 310 and the range where that holds no minimum', async () => {
    const process = new EquationOfState({ ...inputs, volumes: { from: 40, to: 50, count: 5 } })
    await process.execute({ raiseOnFailure: false })
    expect(process.isSuccessful).toBe(false)
    expect(process.exitCode).toMatchObject({
      code: 310,
      label: 'ERROR_NO_MINIMUM',
      message: 'the energy has no minimum between 40 and 50 Å³ per atom',
    })
  })

  it('refuses volumes in the wrong order before it computes anything', () => {
    expect(() => new EquationOfState({ ...inputs, volumes: { from: 37, to: 35, count: 5 } })).toThrow(
      'inputs.volumes: `from` must be less than `to`',
    )
  })
})

// It takes longer than most files.
describe.each(extent === 'some' ? [] : ['the demo'])('%s', () => {
  it(
    'is killed in the middle of steps and ends with the result of an undisturbed run, bit for bit (C11)',
    { ...HAS_MORE, timeout: 240_000 },
    () => {
      expectDemoToSurvive()
    },
  )
})
