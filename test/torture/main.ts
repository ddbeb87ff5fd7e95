import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Break } from '../breaks/breaks.ts'
import { check, report } from './checker/check.ts'
import { readWorld, type Finding, type Paths, type World } from './checker/world.ts'
import { compileLoad } from './faults/compiling.ts'
import { breakOf, races } from './races.ts'
import { torture, type RunOptions, type StoreKind } from './run.ts'

/*
 * `npm run torture -- --seed S --minutes N`: runs of three minutes at most, each with the next seed, until the time is up or something is found.
 * `--break TEXT` puts in the deliberate break of which the description has that text: then something has to be found.
 * `--breaks` first runs the sources as they are, for as long as `--minutes` says, in which nothing may be found. Then it does the same, with the
 * same seeds, with each deliberate break that is a race, in which a rule has to be violated that races.ts names for it. `--races TEXT`, once
 * or more often, takes only the races whose description has that text.
 * `--store postgres` puts the store on a Postgres server of its own, which is stopped and started, and the connections of which are cut.
 * `--check FOLDER` checks once more what a run has left.
 */

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    minutes: { type: 'string', default: '1' },
    break: { type: 'string' },
    breaks: { type: 'boolean', default: false },
    races: { type: 'string', multiple: true },
    store: { type: 'string', default: 'sqlite' },
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
const kind: StoreKind | undefined =
  values.store === 'sqlite' || values.store === 'postgres' ? values.store : undefined
if (!(minutes > 0) || !Number.isInteger(first) || kind === undefined) {
  console.error(
    'usage: npm run torture -- [--seed WHOLE NUMBER] [--minutes NUMBER] [--break TEXT] [--breaks] [--races TEXT] [--store sqlite|postgres] [--keep]',
  )
  process.exit(2)
}

if (values.check !== undefined) {
  const world = readWorld(JSON.parse(readFileSync(join(values.check, 'remains.json'), 'utf8')) as Paths)
  process.exit(printed(world, check(world)))
}

if (values.breaks || values.races !== undefined) process.exit(await allRaces(values.races ?? ['']))
process.exit(await runs(values.break === undefined ? undefined : breakOf(values.break), one))

/** Runs until the time is up or a run has another exit code than 0, and gives that. */
async function runs(
  fault: Break | undefined,
  run: (options: RunOptions) => Promise<number>,
): Promise<number> {
  const compiled = compileLoad(fault)
  const until = performance.now() + minutes * 60_000
  try {
    for (let seed = first; ; seed++) {
      const left = until - performance.now()
      if (left < REST) return 0
      const load = Math.min(left, LONGEST) - Math.min(REST, left / 2)
      const code = await run({ seed, load, lease: LEASE, kind, compiled })
      if (code !== 0) return code
    }
  } finally {
    compiled.remove()
  }
}

/** The sources as they are violate nothing, and each race violates a rule of its own. */
async function allRaces(texts: readonly string[]): Promise<number> {
  const chosen = races.filter(({ fault }) => texts.some((text) => fault.what.includes(text)))
  if (chosen.length === 0)
    throw new Error(`no race in test/torture/races.ts is described by ${texts.join(' or ')}`)
  console.log('without a break:')
  if ((await runs(undefined, one)) !== 0) {
    console.log('NOT CLEAN: what the races violate proves nothing')
    return 1
  }
  let missed = 0
  for (const { fault, rules } of chosen) {
    console.log(`\n${fault.what}:`)
    const others = new Set<string>()
    const found = await runs(fault, async (options) => {
      const { remains, findings } = await checked(options)
      if (values.keep) console.log(`  kept in ${remains.folder}`)
      else rmSync(remains.folder, { recursive: true })
      const own = counts(findings.filter(({ rule }) => rules.includes(rule)))
      for (const [rule, count] of own) console.log(`  ${count} times: ${rule}`)
      for (const { rule } of findings) if (!rules.includes(rule)) others.add(rule)
      return own.size
    })
    for (const rule of others) console.log(`  besides: ${rule}`)
    console.log(found > 0 ? 'found' : others.size > 0 ? 'NOT FOUND: only others are violated' : 'NOT FOUND')
    if (found === 0) missed++
  }
  console.log(`\n${chosen.length - missed} of ${chosen.length} races are found`)
  return missed === 0 ? 0 : 1
}

/** A run, and what it found. */
async function checked(options: RunOptions): Promise<{ remains: Paths; world: World; findings: Finding[] }> {
  const started = performance.now()
  const remains = await torture(options)
  const world = readWorld(remains)
  const findings = check(world)
  const faults = world.lines.filter((line) => line.what === 'fault').length
  const seconds = ((performance.now() - started) / 1_000).toFixed(0)
  const size = `${world.processes.size} processes, ${world.history.length} entries of history, ${faults} faults`
  console.log(`seed ${options.seed}: ${findings.length || 'no'} violations in ${seconds} s (${size})`)
  return { remains, world, findings }
}

async function one(options: RunOptions): Promise<number> {
  const { seed, load } = options
  const { remains, world, findings } = await checked(options)
  if (printed(world, findings) === 0) {
    if (values.keep) console.log(`  kept in ${remains.folder}`)
    else rmSync(remains.folder, { recursive: true })
    return 0
  }
  const again = Math.max(1, Math.round((load + REST) / 60_000))
  console.log(`
The log, the store, its backups and what the programs said are kept in ${remains.folder}
To check that once more: npm run torture -- --check ${remains.folder}
What is chosen follows from the seed; when it happens, from the machine. To try again:
  npm run torture -- --store ${kind} --seed ${seed} --minutes ${again}${values.break === undefined ? '' : ` --break '${values.break}'`}`)
  return 1
}

/** Prints what was found, and gives the exit code. */
function printed(world: World, findings: readonly Finding[]): number {
  const rules = counts(findings)
  for (const rule of rules.keys())
    // More of the same adds little.
    for (const finding of findings.filter((finding) => finding.rule === rule).slice(0, 3))
      console.log(`\n${report(world, finding)}`)
  if (rules.size > 0) console.log('\nin all:')
  for (const [rule, count] of rules) console.log(`  ${count} times: ${rule}`)
  return findings.length === 0 ? 0 : 1
}

function counts(findings: readonly Finding[]): ReadonlyMap<string, number> {
  const rules = new Map<string, number>()
  for (const { rule } of findings) rules.set(rule, (rules.get(rule) ?? 0) + 1)
  return rules
}
