import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { compiled } from '../programs/compiled.ts'
import { MadelungConstant } from '../../examples/converge/madelung-constant.ts'
import { layer } from '../../examples/converge/rock-salt.ts'

describe('the Madelung constant', () => {
  it('is that of the literature, within the tolerance', async () => {
    for (const tolerance of [1e-3, 1e-5, 1e-7]) {
      const { constant, change } = await new MadelungConstant({ tolerance }).execute()
      expect(change).toBeLessThanOrEqual(tolerance)
      expect(Math.abs(constant - 1.7475645946)).toBeLessThan(tolerance)
    }
  })

  it('takes more rounds for a smaller tolerance', async () => {
    const { rounds: few } = await new MadelungConstant({ tolerance: 1e-3 }).execute()
    const { rounds: many } = await new MadelungConstant({ tolerance: 1e-7 }).execute()
    expect(many).toBeGreaterThan(few)
  })

  it('ends with an exit code where the rounds do not do', async () => {
    const process = new MadelungConstant({ tolerance: 1e-6, rounds: 5 })
    await process.execute({ raiseOnFailure: false })
    expect(process.isSuccessful).toBe(false)
    expect(process.exitCode).toMatchObject({
      code: 410,
      label: 'ERROR_NOT_CONVERGED',
      message: 'after 5 rounds it still changes by 0.00022, more than 0.000001',
    })
  })

  it('may converge in the very last round', async () => {
    const { rounds } = await new MadelungConstant({ tolerance: 1e-5 }).execute()
    const process = new MadelungConstant({ tolerance: 1e-5, rounds })
    await process.execute()
    expect(process.isSuccessful).toBe(true)
  })

  it('comes from layers that start with six neighbours, and have no number below 1', () => {
    // Six at distance 1, twelve at √2, eight at √3.
    expect(layer(1).inside).toBeCloseTo(6 - 12 / Math.SQRT2 + 8 / Math.sqrt(3), 12)
    expect(layer(1).last).toBeCloseTo(6 / 2 - 12 / 4 / Math.SQRT2 + 8 / 8 / Math.sqrt(3), 12)
    for (const wrong of [0, -1, 1.5, Number.NaN]) expect(() => layer(wrong)).toThrow(RangeError)
  })
})

describe('its program', () => {
  it('shows the position in the outline while it runs', async () => {
    const lines = await run()
    expect(lines.slice(0, 3)).toEqual([
      '1.start',
      '2.while(notConverged)#1.addLayer',
      '2.while(notConverged)#1.compare',
    ])
    expect(lines.slice(-3)).toEqual([
      '2.while(notConverged)#11.compare',
      '3.emit',
      '1.747562 after 11 rounds; the literature has 1.747565',
    ])
  }, 60_000)

  it('says why it gave up', async () => {
    const lines = await run('1e-6', '5')
    expect(lines.at(-1)).toBe(
      'ERROR_NOT_CONVERGED: after 5 rounds it still changes by 0.00022, more than 0.000001',
    )
  }, 60_000)

  async function run(...args: readonly string[]): Promise<string[]> {
    const folder = await mkdtemp(join(tmpdir(), 'damson-example-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [compiled('examples/converge/run.ts'), ...args],
      { cwd: folder },
    )
    return stdout.trimEnd().split('\n')
  }
})
