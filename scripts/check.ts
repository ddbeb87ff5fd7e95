/** `npm run check`: everything that must hold before a change goes in, cheapest first. Stops at what fails. */
import { checkPackage } from './check-package.ts'
import { CommandFailed, compilers, node, run, tool } from './run.ts'

const steps: readonly (readonly [name: string, step: () => void])[] = [
  ['format', () => run(tool('prettier'), ['--check', '--log-level', 'warn', '.'])],
  ['lint', () => run('npm', ['run', '--silent', 'lint'])],
  ['types, newest compiler', () => node([compilers.newest, '--project', 'tsconfig.json'])],
  ['types, TypeScript 5.9', () => node([compilers.oldest, '--project', 'tsconfig.json'])],
  ['unused code', () => run(tool('knip'), [])],
  ['tests, with types and coverage', () => run(tool('vitest'), ['run', '--typecheck', '--coverage'])],
  ['build', () => run('npm', ['run', '--silent', 'build'])],
  ['the packed package', checkPackage],
]

const started = performance.now()
for (const [index, [name, step]] of steps.entries()) {
  const at = performance.now()
  console.log(`\n[${index + 1}/${steps.length}] ${name}`)
  try {
    step()
  } catch (error) {
    console.error(`\ncheck failed at: ${name}`)
    console.error(error instanceof CommandFailed ? error.message : error)
    process.exit(1)
  }
  console.log(`    ${seconds(at)}`)
}
console.log(`\nall checks passed in ${seconds(started)}`)

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`
}
