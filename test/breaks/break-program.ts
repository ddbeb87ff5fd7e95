/*
 * Runs the tests that have to notice each break, all in this one program: what a break replaces is replaced as the file is loaded. Prints a
 * line of JSON for each, as soon as it is known. Given numbers of breaks as arguments, it runs those alone.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'ts59'
import { createVitest, type TestModule, type Vitest } from 'vitest/node'
import { root } from '../project/files.ts'
import { breaks, type Break } from './breaks.ts'
import { brokenSource } from './broken-source.ts'
import { BROKEN } from './broken-program.ts'
import { NOTHING_BROKEN, type Judged, type Verdict } from './verdict.ts'

/** Of a test, in milliseconds: what makes a test hang is noticed by the shorter one. */
const TIME_OUT = { whole: 30_000, broken: 5_000 }
/** Some breaks only wait for a timeout. */
const LANES = 3

/** Runs one break after the other. */
class Lane {
  readonly #vitest: Vitest
  readonly #state: { broken: Break | undefined }

  static async open(): Promise<Lane> {
    const state: { broken: Break | undefined } = { broken: undefined }
    const vitest = await createVitest(
      'test',
      {
        root,
        config: false,
        watch: false,
        reporters: [{}],
        strictTags: false,
        pool: 'forks',
        maxWorkers: 1,
        include: ['test/**/*.test.ts'],
      },
      {
        resolve: { tsconfigPaths: true },
        plugins: [
          {
            name: 'break',
            enforce: 'pre',
            transform: (code, id) =>
              state.broken !== undefined && id === join(root, state.broken.file)
                ? { code: brokenSource(code, state.broken), map: null }
                : undefined,
          },
        ],
      },
    )
    return new Lane(vitest, state)
  }

  private constructor(vitest: Vitest, state: { broken: Break | undefined }) {
    this.#vitest = vitest
    this.#state = state
  }

  async judge(broken: Break | undefined, tests: readonly Break['test'][]): Promise<Verdict> {
    const project = this.#vitest.getRootProject()
    const files = [...new Set(tests.map(([file]) => file))]
    const pattern = new RegExp(tests.map(([, name]) => escaped(name)).join('|'))
    this.#state.broken = broken
    project.config.testTimeout = broken === undefined ? TIME_OUT.whole : TIME_OUT.broken
    project.config.env = broken === undefined ? {} : { [BROKEN]: brokenProgram(broken) }
    if (broken !== undefined) this.#vitest.invalidateFile(join(root, broken.file))
    const { testModules } = await this.#vitest.runTestSpecifications(
      files.map((file) => project.createSpecification(join(root, file), { testNamePattern: pattern })),
    )
    if (broken !== undefined) this.#vitest.invalidateFile(join(root, broken.file))
    // The others are those of earlier breaks.
    return verdictOf(
      testModules.filter(({ moduleId }) => files.some((file) => moduleId === join(root, file))),
    )
  }

  close(): Promise<void> {
    return this.#vitest.close()
  }
}

/** What programs that tests start take in the place of the file. */
function brokenProgram(broken: Break): string {
  const source = brokenSource(readFileSync(join(root, broken.file), 'utf8'), broken)
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      rewriteRelativeImportExtensions: true,
    },
  })
  return JSON.stringify({ file: broken.file.replace(/\.ts$/, '.js'), source: outputText })
}

function verdictOf(modules: readonly TestModule[]): Verdict {
  const tests = modules.flatMap((module) => [...module.children.allTests()])
  const failed = tests.flatMap((test) => {
    const result = test.result()
    if (result.state !== 'failed') return []
    const [error] = result.errors
    return (error?.stack ?? error?.message ?? '').split('\n')[0] ?? ''
  })
  return {
    passed: tests
      .filter((test) => test.result().state === 'passed')
      .map((test) => test.fullName.replaceAll(' > ', ' ')),
    failed,
    unloaded: modules.flatMap((module) =>
      module.errors().map(({ message }) => `${module.moduleId}: ${message}`),
    ),
  }
}

function escaped(name: string): string {
  return name.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
}

function tell(judged: Judged): void {
  process.stdout.write(`${JSON.stringify(judged)}\n`)
}

const given = process.argv.slice(2).map(Number)
const asked = given.length > 0 ? given : [NOTHING_BROKEN, ...breaks.keys()]
const chosen = [...breaks.entries()].filter(([at]) => asked.includes(at))
const lanes = await Promise.all(Array.from({ length: LANES }, () => Lane.open()))

/** Each lane takes the next one as soon as it is free. */
async function inLanes<T>(all: readonly T[], judge: (lane: Lane, one: T) => Promise<void>): Promise<void> {
  const left = [...all]
  await Promise.all(
    lanes.map(async (lane) => {
      for (let one = left.shift(); one !== undefined; one = left.shift()) await judge(lane, one)
    }),
  )
}

if (asked.includes(NOTHING_BROKEN)) {
  const tests = chosen.map(([, broken]) => broken.test)
  const verdicts: Verdict[] = []
  await inLanes([...new Set(tests.map(([file]) => file))], async (lane, of) => {
    const ofFile = tests.filter(([file]) => file === of)
    verdicts.push(await lane.judge(undefined, ofFile))
  })
  tell({
    at: NOTHING_BROKEN,
    passed: verdicts.flatMap(({ passed }) => passed),
    failed: verdicts.flatMap(({ failed }) => failed),
    unloaded: verdicts.flatMap(({ unloaded }) => unloaded),
  })
}
await inLanes(chosen, async (lane, [at, broken]) =>
  tell({ at, ...(await lane.judge(broken, [broken.test])) }),
)
await Promise.all(lanes.map((lane) => lane.close()))
