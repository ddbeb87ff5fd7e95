import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Runs the demo, which kills its programs, and expects that it ends as one that is left alone. */
export function expectDemoToSurvive(...args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'examples/equation-of-state/demo.ts', '7', ...args],
    { cwd: root, encoding: 'utf8' },
  )
  expect(stderr).toBe('')
  expect(stdout).not.toContain('NOT SO')
  expect(stdout.match(/^✗ program \d+ killed with SIGKILL/gm)?.length).toBeGreaterThanOrEqual(3)
  expect(stdout.match(/✗ SIGKILL to program \d+, \d+ ms into \d\./g)?.length).toBeGreaterThanOrEqual(3)
  expect(stdout.match(/✓ recovered: \d\..* runs again/g)?.length).toBeGreaterThanOrEqual(3)
  expect(stdout).toMatch(/^nearest neighbours .* 1\.090\d σ/m)
  expect(stdout).toMatch(/^energy per atom .* -8\.61\d ε/m)
  expect(stdout).toContain('✓ all outputs are those of the program left alone, bit for bit')
  expect(status).toBe(0)
}
