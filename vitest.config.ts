import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { filesBelow } from './test/project/files.ts'
import { extent } from './test/run/extent.ts'
import { GroupTimes } from './test/run/group-times.ts'
import { hunted } from './test/run/seed.ts'

const tests = filesBelow('test', '.test.ts')

/** Tests that start programs, and wait for them. */
const programs = tests.filter((file) =>
  /\bcompiled\(|startEngine|\/programs\.ts'|new Project\(|'child_process'|node:child_process/.test(
    textOf(file),
  ),
)
const crash = tests.filter((file) => file.startsWith('test/crash/') && !programs.includes(file))
const breaks = ['test/breaks/breaks.test.ts']
const unit = tests.filter((file) => ![...programs, ...crash, ...breaks].includes(file))

/** What `npm test` leaves out: the breaks, and the rest of the tests that have one. */
const hasRest = (file: string): boolean => /run\/(extent|commits)\.ts|every-commit\.ts/.test(textOf(file))
/** Tests that come out differently for another seed. */
const isRandom = (file: string): boolean =>
  /run\/(seed|properties|commits)\.ts|every-commit\.ts/.test(textOf(file))

const groups = { unit, programs: programs.filter((file) => !breaks.includes(file)), crash }

function textOf(file: string): string {
  return readFileSync(new URL(file, import.meta.url), 'utf8')
}

function group(name: string, files: readonly string[]) {
  const isBreaks = name === 'breaks'
  const taken = files.filter((file) =>
    hunted !== undefined ? isRandom(file) : extent !== 'rest' || isBreaks || hasRest(file),
  )
  return {
    extends: true as const,
    test: { name, include: taken.length > 0 ? taken : ['none'] },
  }
}

/** What the compiler says of the tests of types. npm links `tsc` to either of the two compilers, so name one. */
const types = {
  extends: true as const,
  test: {
    name: 'types',
    include: ['none'],
    typecheck: {
      enabled: true,
      only: true,
      include: ['test/**/*.test-d.ts'],
      checker: fileURLToPath(new URL('node_modules/typescript/bin/tsc', import.meta.url)),
    },
  },
}

export default defineConfig({
  // Examples import `damson`, which tsconfig.json leads to the source.
  resolve: { tsconfigPaths: true },
  test: {
    projects: [
      ...Object.entries(groups).map(([name, files]) => group(name, files)),
      ...(extent === 'some' ? [] : [group('breaks', breaks)]),
      // Those carry no tag: `npm run check` asks for them by their name.
      ...(extent === 'all' ? [types] : []),
    ],
    globalSetup: ['test/run/temporary-files.ts', 'test/programs/compile.ts'],
    reporters: ['default', new GroupTimes()],
    tags: [
      {
        name: 'rest',
        description: 'leaves something out unless all of it is asked for (test/run/extent.ts)',
      },
    ],
    ...(extent === 'rest' && { tagsFilter: ['rest'] }),
    pool: 'forks',
    // Files share their workers: to begin each in a new one takes longer than most of them.
    isolate: false,
    // Files often wait for the programs that they have started, or for a lease to end.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    coverage: {
      enabled: process.env['DAMSON_COVERAGE'] === 'true',
      provider: 'v8',
      include: ['src/**/*.ts'],
      reporter: ['text-summary', 'html'],
      thresholds: { lines: 80 },
    },
  },
})
