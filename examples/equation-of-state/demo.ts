/**
 * `npm run demo`: a computation that is killed with SIGKILL again and again, and ends with the result of one that was
 * left alone.
 *
 * `run.ts` computes, in a program of its own. This one watches the store from outside, kills that program in
 * the middle of steps, starts it again, and compares in the end. A number behind the command is the seed of chance.
 * `--store postgres://…` has the killed programs compute in a database instead of a file.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Client, type OutputsOf } from 'damson'
import type { EquationOfState } from './equation-of-state.ts'
import { Program, random, runAndKill } from './killing.ts'
import { LiveLine } from './live-line.ts'
import { crashesWithinSteps, readStory, timeline, type Kill, type Story } from './timeline.ts'

type Outputs = OutputsOf<typeof EquationOfState>

/** How long each step waits besides computing, in milliseconds, so that it can be caught in the middle. */
const pace = 250
const wanted = 4
const transitions = ['running', 'waiting', 'finished']

const { values, positionals } = parseArgs({ allowPositionals: true, options: { store: { type: 'string' } } })
const seed = Number(positionals[0] ?? Date.now() % 100_000)
// A database may have the process of an earlier demo.
const key = `argon ${process.pid} ${Date.now()}`
const live = new LiveLine()
const failures: string[] = []
const programs: Program[] = []
const folder = await mkdtemp(join(tmpdir(), 'damson-demo-'))
const input = JSON.parse(await readFile(new URL('argon.json', import.meta.url), 'utf8')) as object
const inputs = JSON.stringify({ ...input, pace })

try {
  live.print(
    'The equation of state of solid argon, computed in programs that are killed (random seed ' + seed + ').',
  )
  live.print('The same is computed beside it by a program that is left alone.\n')
  const peaceful = join(folder, 'left-alone.db')
  const leftAlone = start(peaceful)

  const store = values.store ?? join(folder, 'killed.db')
  await using client = await Client.open({ store, create: true })
  const options = { wanted, pace, chance: random(seed), live }
  const { pid, story, kills } = await runAndKill(client, () => start(store), options)
  live.show('waiting for the program that was left alone')
  await leftAlone.ended
  live.show('')

  live.print('\nTime line, from the histories in the store:\n')
  for (const line of timeline(story, kills)) live.print(line)
  live.print('')
  const outputs = (await client.handle(pid).outputs.all()) as Outputs
  printResults(outputs)
  checkStory(pid, story, kills)
  checkLiterature(outputs)
  const { text, crashes } = await readLeftAlone(peaceful)
  check(crashes === 0, 'the program that was left alone did not crash')
  check(JSON.stringify(outputs) === text, 'all outputs are those of the program left alone, bit for bit')
} finally {
  // Also where something went wrong before they ended.
  await Promise.all(programs.map((program) => program.kill()))
  await rm(folder, { recursive: true, force: true })
}

if (failures.length > 0) {
  live.print(`\n${failures.length} of these checks failed.`)
  process.exitCode = 1
}

function start(store: string): Program {
  const program = new Program(store, key, inputs)
  programs.push(program)
  return program
}

async function readLeftAlone(file: string): Promise<{ text: string; crashes: number }> {
  await using client = await Client.open({ store: file })
  const { processes } = await client.list({ className: 'EquationOfState' })
  const pid = processes[0]?.pid
  if (pid === undefined) throw new Error('the program that was left alone has launched nothing')
  const outputs = await client.handle(pid).outputs.all()
  const { rows } = await readStory(client, pid)
  return { text: JSON.stringify(outputs), crashes: rows.filter(({ name }) => name === 'crashed').length }
}

function printResults({ neighbourDistance, energy, bulkModulus, deviation }: Outputs): void {
  const row = (name: string, value: string, reduced: string, off: string): void =>
    live.print(`${name.padEnd(22)}${value.padEnd(16)}${reduced.padEnd(16)}${off}`)
  const percent = (off: number): string => `${off < 0 ? '' : '+'}${(off * 100).toPrecision(2)} %`
  row('at the minimum', '', 'reduced', 'off the literature')
  row(
    'nearest neighbours',
    `${neighbourDistance.angstrom.toFixed(4)} Å`,
    `${neighbourDistance.sigma.toFixed(4)} σ`,
    percent(deviation.neighbourDistance),
  )
  row(
    'energy per atom',
    `${energy.electronvolt.toFixed(5)} eV`,
    `${energy.epsilon.toFixed(3)} ε`,
    percent(deviation.energy),
  )
  row(
    'bulk modulus',
    `${bulkModulus.gigapascal.toFixed(3)} GPa`,
    `${bulkModulus.reduced.toFixed(2)} ε/σ³`,
    percent(deviation.bulkModulus),
  )
  live.print('')
}

function checkStory(pid: string, story: Story, kills: readonly Kill[]): void {
  const { rows, names } = story
  const crashes = crashesWithinSteps(story, kills)
  const steps = new Set(crashes.map(({ step }) => `${step.pid} ${step.seq}`))
  const hits = new Set(crashes.map(({ kill }) => kill))
  check(hits.size >= 3, `${hits.size} kills hit processes in the middle of ${steps.size} steps (3 at least)`)
  const count = (name: string): number => rows.filter((row) => row.name === name).length
  check(count('crashed') === count('recovered'), `each of ${count('crashed')} crashes was recovered from`)
  const committed = [...names.keys()].map((one) =>
    rows.flatMap((row) => (row.pid === one && transitions.includes(row.name) ? [row.seq] : [])),
  )
  check(
    committed.every((all) => all.every((seq, index) => index === 0 || seq === (all[index - 1] ?? 0) + 1)),
    `each of the ${committed.flat().length - names.size} steps was committed once and in order`,
  )
  check(names.size === 14 && count('created') === 14, 'each volume was launched once')
  check(count('finished') === 14 && rows.at(-1)?.pid === pid, 'all processes finished')
}

function checkLiterature({ neighbourDistance, energy, deviation }: Outputs): void {
  check(Math.abs(neighbourDistance.sigma / 1.0902 - 1) < 5e-4, 'r₀ is 1.0902 σ, to 3 digits and better')
  check(Math.abs(energy.epsilon / -8.61 - 1) < 5e-4, 'E₀ is −8.610 ε per atom, to 3 digits and better')
  check(Math.abs(deviation.bulkModulus) < 5e-4, 'B₀ is 75.19 ε/σ³, to 3 digits and better')
}

function check(holds: boolean, claim: string): void {
  live.print(`${holds ? '✓' : '✗ NOT SO:'} ${claim}`)
  if (!holds) failures.push(claim)
}
