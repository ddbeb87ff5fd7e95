/**
 * `npm run check`: everything that must hold before a change goes in. Stops at what fails. The steps that look at files alone come first,
 * with the minute of torture beside them, then the tests. With `--after-tests` these are more of what `npm test` left out, but not all of it
 * (test/run/extent.ts).
 */
import { checkPackage } from './check-package.ts'
import { CommandFailed, compilers, node, run, start, tool } from './run.ts'

type Step = readonly [name: string, step: () => void | Promise<void>]

const afterTests = process.argv.includes('--after-tests')

// Without npm, which does not pass on that it has to end.
const torture = start(process.execPath, '--import tsx test/torture/main.ts --seed 1 --minutes 1'.split(' '))

const steps: readonly Step[] = [
  ['format', () => run(tool('prettier'), ['--check', '--log-level', 'warn', '.'])],
  ['lint', () => run('npm', ['run', '--silent', 'lint'])],
  ['types, newest compiler', () => node([compilers.newest, '--project', 'tsconfig.json'])],
  ['types, TypeScript 5.9', () => node([compilers.oldest, '--project', 'tsconfig.json'])],
  [
    'types of the bench beside peers',
    () => node([compilers.newest, '--project', 'bench/peers/not-installed']),
  ],
  ['unused code', () => run(tool('knip'), [])],
  ['duplicates', () => run('npm', ['run', '--silent', 'duplicates'])],
  ['build', () => run('npm', ['run', '--silent', 'build'])],
  ['the reference', () => run('npm', ['run', '--silent', 'docs'])],
  ['the packed package', checkPackage],
  ['tests of types', () => vitest('all', '--project', 'types')],
  ['torture, one minute, begun beside the steps above', () => torture],
  afterTests
    ? ['more of the tests, and the breaks', () => vitest('more')]
    : ['all tests, with breaks and coverage', () => vitest('all', '--project', 'tests', '--coverage')],
]

const started = performance.now()
const times: string[] = []
for (const [index, [name, step]] of steps.entries()) {
  const at = performance.now()
  console.log(`\n[${index + 1}/${steps.length}] ${name}`)
  try {
    await step()
  } catch (error) {
    console.error(`\ncheck failed at: ${name}`)
    console.error(error instanceof CommandFailed ? error.message : error)
    process.exit(1)
  }
  times.push(`${seconds(at)} ${name}`)
}
console.log(`\n${times.join('\n')}\nall checks passed in ${seconds(started).trim()}`)

/** Runs as much of the tests (test/run/extent.ts). */
function vitest(extent: 'more' | 'all', ...args: readonly string[]): void {
  process.env['DAMSON_TESTS'] = extent
  run(tool('vitest'), ['run', ...args])
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`.padStart(8)
}
