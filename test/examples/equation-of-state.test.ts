import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

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
