import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { EquationOfState } from '../../examples/equation-of-state/equation-of-state.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

describe('the process of the equation of state', () => {
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

  it('finishes with exit code 310 and the range where that holds no minimum', async () => {
    const process = new EquationOfState({ ...inputs, volumes: { from: 40, to: 50, count: 5 } })
    await process.execute()
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

describe('the demo', () => {
  it('is killed in the middle of steps and ends with the result of an undisturbed run, bit for bit (C11)', () => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', 'tsx', 'examples/equation-of-state/demo.ts', '7'],
      { cwd: root, encoding: 'utf8' },
    )
    expect(stderr).toBe('')
    expect(stdout).not.toContain('NOT SO')
    expect(stdout.match(/✗ SIGKILL to program \d+, \d+ ms into step/g)?.length).toBeGreaterThanOrEqual(3)
    expect(stdout.match(/✓ recovered: step .* runs again/g)?.length).toBeGreaterThanOrEqual(3)
    expect(stdout).toMatch(/^nearest neighbours .* 1\.090\d σ/m)
    expect(stdout).toMatch(/^energy per atom .* -8\.61\d ε/m)
    expect(stdout).toContain('✓ all outputs are those of the program left alone, bit for bit')
    expect(status).toBe(0)
  }, 120_000)
})
