import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { breaks, type Break } from '../breaks/breaks.ts'
import { check, report } from './checker/check.ts'
import { readWorld, type Finding, type Paths, type World } from './checker/world.ts'
import { compileLoad } from './faults/compiling.ts'
import { torture } from './run.ts'

/*
 * `npm run torture -- --seed S --minutes N`: runs of three minutes at most, each with the next seed, until the time is up or something is found.
 * `--break TEXT` puts in the deliberate break of which the description has that text: then something has to be found.
 * `--check FOLDER` checks once more what a run has left.
 */

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    minutes: { type: 'string', default: '1' },
    break: { type: 'string' },
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

const fault = values.break === undefined ? undefined : breakOf(values.break)
const compiled = compileLoad(fault)
const until = performance.now() + minutes * 60_000
let code = 0
try {
  for (let seed = first; code === 0; seed++) {
    const left = until - performance.now()
    if (left < REST) break
    code = await one(seed, Math.min(left, LONGEST) - Math.min(REST, left / 2))
  }
} finally {
  compiled.remove()
}
process.exit(code)

async function one(seed: number, load: number): Promise<number> {
  const started = performance.now()
  const remains = await torture({ seed, load, lease: LEASE, compiled })
  const world = readWorld(remains)
  const findings = check(world)
  const faults = world.lines.filter((line) => line.what === 'fault').length
  const seconds = ((performance.now() - started) / 1_000).toFixed(0)
  const size = `${world.processes.size} processes, ${world.history.length} entries of history, ${faults} faults`
  console.log(`seed ${seed}: ${findings.length || 'no'} violations in ${seconds} s (${size})`)
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

function breakOf(text: string): Break {
  const found = breaks.filter(({ what }) => what.includes(text))
  if (found.length === 1 && found[0] !== undefined) return found[0]
  throw new Error(`${found.length} breaks in test/breaks/breaks.ts are described by ${JSON.stringify(text)}`)
}
