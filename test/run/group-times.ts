import { appendFileSync } from 'node:fs'
import type { Reporter, TestModule } from 'vitest/node'

/** The variable of the environment that names a file to which each run adds a line of JSON: what passed and failed. */
const COUNTS = 'DAMSON_TEST_COUNTS'

export interface Counts {
  readonly passed: number
  readonly failed: number
}

interface Group extends Counts {
  readonly files: number
  readonly slowest: readonly [file: string, duration: number]
  readonly duration: number
}

/** The files of each group of tests, by its name. */
export type Groups = Readonly<Record<string, readonly string[]>>

/** Says at the end how long each group of tests took: the sum over its files, which run beside each other. */
export class GroupTimes implements Reporter {
  readonly #groups: Groups

  constructor(groups: Groups) {
    this.#groups = groups
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const nameOf = (module: TestModule): string =>
      Object.keys(this.#groups).find((name) => this.#groups[name]?.includes(module.relativeModuleId)) ??
      module.project.name
    const groups = [...new Set(modules.map(nameOf))].map(
      (name) => [name, groupOf(modules.filter((module) => nameOf(module) === name))] as const,
    )
    for (const [name, { files, passed, failed, duration, slowest }] of groups) {
      const [file, longest] = slowest
      console.log(
        `${name.padEnd(10)} ${seconds(duration)} in ${files} files, ${passed} passed, ${failed} failed; longest ${seconds(longest)} ${file}`,
      )
    }
    const to = process.env[COUNTS]
    if (to === undefined) return
    const counts: Counts = {
      passed: groups.reduce((sum, [, { passed }]) => sum + passed, 0),
      failed: groups.reduce((sum, [, { failed }]) => sum + failed, 0),
    }
    appendFileSync(to, `${JSON.stringify(counts)}\n`)
  }
}

function groupOf(modules: readonly TestModule[]): Group {
  const counts = { passed: 0, failed: 0 }
  let slowest: Group['slowest'] = ['', 0]
  let duration = 0
  for (const module of modules) {
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      if (state === 'passed' || state === 'failed') counts[state]++
    }
    // A file that could not be loaded counts as one.
    if (module.errors().length > 0) counts.failed++
    const took = tookOf(module)
    duration += took
    if (took >= slowest[1]) slowest = [module.relativeModuleId, took]
  }
  return { ...counts, files: modules.length, slowest, duration }
}

function tookOf(module: TestModule): number {
  const { collectDuration, setupDuration, environmentSetupDuration, prepareDuration, duration } =
    module.diagnostic()
  return collectDuration + setupDuration + environmentSetupDuration + prepareDuration + duration
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`.padStart(8)
}
