import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Break } from '../breaks/breaks.ts'
import { check, report } from './checker/check.ts'
import { readWorld, type Finding, type Paths, type World } from './checker/world.ts'
import { compileLoad } from './faults/compiling.ts'
import { breakOf, races } from './races.ts'
import { torture, type RunOptions } from './run.ts'

/*
 * `npm run torture -- --seed S --minutes N`: runs of three minutes at most, each with the next seed, until the time is up or something is found.
 * `--break TEXT` puts in the deliberate break of which the description has that text: then something has to be found.
 * `--breaks` does so with all that are races, each for as long as `--minutes` says at most.
 * `--check FOLDER` checks once more what a run has left.
 */

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    minutes: { type: 'string', default: '1' },
    break: { type: 'string' },
    breaks: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    check: { type: 'string' },
  },
})

const LEASE = 1_000
const LONGEST = 180_000
/** What a run takes besides its load: until everything has ended, and is checked. In milliseconds. */
const REST = 20_000

const minutes = Number(values.minutes)
const first = values.seed === undefined ? Math.floor(Math.random() * 1_000_000) : Number(values.seed)
if (!(minutes > 0) || !Number.isInteger(first)) {
  console.error('usage: npm run torture -- [--seed WHOLE NUMBER] [--minutes NUMBER] [--break TEXT] [--keep]')
  process.exit(2)
}

if (values.check !== undefined) {
  const world = readWorld(JSON.parse(readFileSync(join(values.check, 'remains.json'), 'utf8')) as Paths)
  process.exit(told(world, check(world)))
}

if (values.breaks) process.exit(await allBreaks())
process.exit(await runs(values.break === undefined ? undefined : breakOf(values.break)))

/** Runs until the time is up or something is found, and gives the exit code. */
async function runs(fault: Break | undefined, quietly = false): Promise<number> {
  const compiled = compileLoad(fault)
  const until = performance.now() + minutes * 60_000
  try {
    for (let seed = first; ; seed++) {
      const left = until - performance.now()
      if (left < REST) return 0
      const load = Math.min(left, LONGEST) - Math.min(REST, left / 2)
      const code = await one({ seed, load, lease: LEASE, compiled }, quietly)
      if (code !== 0) return code
    }
  } finally {
    compiled.remove()
  }
}

/** Each break has to be found. */
async function allBreaks(): Promise<number> {
  let code = 0
  for (const fault of races) {
    const found = (await runs(fault, true)) !== 0
    console.log(`${found ? 'found' : 'NOT FOUND'}: ${fault.what}`)
    if (!found) code = 1
  }
  return code
}

async function one(options: RunOptions, quietly: boolean): Promise<number> {
  const { seed, load } = options
  const started = performance.now()
  const remains = await torture(options)
  const world = readWorld(remains)
  const findings = check(world)
  const faults = world.lines.filter((line) => line.what === 'fault').length
  const seconds = ((performance.now() - started) / 1_000).toFixed(0)
  const size = `${world.processes.size} processes, ${world.history.length} entries of history, ${faults} faults`
  console.log(`seed ${seed}: ${findings.length || 'no'} violations in ${seconds} s (${size})`)
  if (quietly) {
    for (const rule of new Set(findings.map((finding) => finding.rule))) console.log(`  ${rule}`)
    rmSync(remains.folder, { recursive: true })
    return findings.length === 0 ? 0 : 1
  }
  if (told(world, findings) === 0) {
    if (values.keep) console.log(`  kept in ${remains.folder}`)
    else rmSync(remains.folder, { recursive: true })
    return 0
  }
  const again = Math.max(1, Math.round((load + REST) / 60_000))
  console.log(`
The log, the store, its backups and what the programs said are kept in ${remains.folder}
To check that once more: npm run torture -- --check ${remains.folder}
What is chosen follows from the seed; when it happens, from the machine. To try again:
  npm run torture -- --seed ${seed} --minutes ${again}${values.break === undefined ? '' : ` --break '${values.break}'`}`)
  return 1
}

/** Prints what was found, and gives the exit code. */
function told(world: World, findings: readonly Finding[]): number {
  const rules = new Map<string, number>()
  for (const finding of findings) {
    const count = (rules.get(finding.rule) ?? 0) + 1
    rules.set(finding.rule, count)
    // More of the same tells little.
    if (count <= 3) console.log(`\n${report(world, finding)}`)
  }
  if (rules.size > 0) console.log('\nin all:')
  for (const [rule, count] of rules) console.log(`  ${count} times: ${rule}`)
  return findings.length === 0 ? 0 : 1
}
