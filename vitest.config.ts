import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { filesBelow } from './test/project/files.ts'
import { isAsked } from './test/postgres/server.ts'
import { extent } from './test/run/extent.ts'
import { GroupTimes, type Groups } from './test/run/group-times.ts'
import { LeftOut } from './test/run/left-out.ts'
import { hunted } from './test/run/seed.ts'

const tests = filesBelow('test', '.test.ts')

/** Tests that start programs, and wait for them. */
const programs = tests.filter((file) =>
  /\bcompiled\(|startEngine|killedPrograms|\/programs\.ts'|new Project\(|'child_process'|node:child_process/.test(
    textOf(file),
  ),
)
const crash = tests.filter((file) => file.startsWith('test/crash/') && !programs.includes(file))
const breaks = ['test/breaks/breaks.test.ts']
const unit = tests.filter((file) => ![...programs, ...crash, ...breaks].includes(file))

/** Files with tests that leave something out for `npm test`. */
const hasMore = (file: string): boolean =>
  /HAS_MORE|every-commit\.ts|killedPrograms/.test(textOf(file)) ||
  isLeftOut(file) ||
  (isAsked && /overEachStore|overBackEnds|overPlaces/.test(textOf(file)))
/** Files that `npm test` leaves out: what they load takes longer than their tests. */
const isLeftOut = (file: string): boolean => textOf(file).startsWith('// @module-tag more\n')
/** Tests that come out differently for another seed. */
const isRandom = (file: string): boolean =>
  /run\/(seed|properties|commits)\.ts|every-commit\.ts|killedPrograms/.test(textOf(file))

const groups: Groups = {
  breaks,
  programs: programs.filter((file) => !breaks.includes(file)),
  crash,
  unit,
}

function textOf(file: string): string {
  return readFileSync(new URL(file, import.meta.url), 'utf8')
}

function isTaken(file: string): boolean {
  if (breaks.includes(file)) return extent !== 'some' && hunted === undefined
  if (hunted !== undefined) return isRandom(file)
  if (extent === 'some') return !isLeftOut(file)
  return extent === 'all' || hasMore(file)
}

/** The groups whose files take long begin, so that no long file is left alone at the end. */
class LongGroupsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number =>
      Object.values(groups).findIndex((group) => group.some((file) => moduleId.endsWith(`/${file}`)))
    // oxlint-disable-next-line unicorn/no-array-sort -- that of vitest, which is no array
    return (await super.sort(files)).toSorted((one, other) => place(one) - place(other))
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
      // One project, so that each source is transformed once.
      { extends: true, test: { name: 'tests', include: Object.values(groups).flat().filter(isTaken) } },
      // Those carry no tag: `npm run check` asks for them by their name.
      ...(extent === 'all' ? [types] : []),
    ],
    sequence: { sequencer: LongGroupsFirst },
    globalSetup: [
      'test/run/temporary-files.ts',
      'test/programs/compile.ts',
      'test/postgres/shared-server.ts',
    ],
    reporters: ['default', new GroupTimes(groups), new LeftOut()],
    tags: [
      {
        name: 'more',
        description: 'leaves something out unless all of it is asked for (test/run/extent.ts)',
      },
    ],
    ...(extent === 'more' && { tagsFilter: ['more'] }),
    pool: 'forks',
    // Files share their workers: to begin each in a new one takes longer than most of them.
    isolate: false,
    // Files often wait for the programs that they have started, or for a lease to end.
    maxWorkers: 4,
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
