/**
 * `npm run hunt [-- MINUTES]`: runs every random test again and again, each time with another seed, until the minutes are over (10 unless
 * given). Prints what fails and the command that shows it again; ends with 1 if anything did.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { SEED, toReproduce } from '../test/run/seed.ts'
import { root, tool } from './run.ts'

interface Report {
  readonly numTotalTests: number
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly message: string
    readonly assertionResults: readonly {
      readonly fullName: string
      readonly status: string
      readonly failureMessages: readonly string[] | null
    }[]
  }[]
}

const [given = '10'] = process.argv.slice(2)
const minutes = Number(given)
if (!(minutes > 0)) {
  console.error(`usage: npm run hunt [-- MINUTES]; '${given}' is no number of minutes`)
  process.exit(2)
}

const folder = mkdtempSync(join(tmpdir(), 'damson-hunt-'))
const until = Date.now() + minutes * 60_000
let [rounds, runs, findings] = [0, 0, 0]
try {
  do {
    const seed = Math.floor(Math.random() * 1e9)
    rounds++
    round(seed)
    console.log(`round ${rounds}, seed ${seed}: ${runs} tests so far, ${findings} findings`)
  } while (Date.now() < until)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(`${rounds} rounds, ${runs} tests, ${findings} findings`)
process.exitCode = findings > 0 ? 1 : 0

function round(seed: number): void {
  const file = join(folder, 'report.json')
  rmSync(file, { force: true })
  // A machine that is busy with something else is no finding.
  const patience = ['--testTimeout=300000', '--hookTimeout=300000']
  const args = ['run', '--reporter=json', `--outputFile=${file}`, ...patience]
  const { stdout, stderr } = spawnSync(tool('vitest'), args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, [SEED]: String(seed) },
    maxBuffer: 2 ** 30,
  })
  let report: Report
  try {
    report = JSON.parse(readFileSync(file, 'utf8')) as Report
  } catch {
    found(`the tests did not run:\n${stdout}${stderr}`, `${SEED}=${seed} npx vitest run`)
    return
  }
  runs += report.numTotalTests
  for (const { name, status, message, assertionResults } of report.testResults) {
    const path = relative(root, name)
    if (status === 'failed' && assertionResults.length === 0)
      found(`${path}: ${message}`, `${SEED}=${seed} npx vitest run ${path}`)
    for (const { fullName, status: ended, failureMessages } of assertionResults) {
      if (ended !== 'failed') continue
      found(`${path}: ${fullName}\n${(failureMessages ?? []).join('\n')}`, toReproduce(path, fullName, seed))
    }
  }
}

function found(what: string, again: string): void {
  findings++
  console.log(`\nFINDING ${findings}: ${what}\nTo reproduce: ${again}\n`)
}
