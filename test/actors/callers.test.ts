// @module-tag more
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Client } from '../../src/index.ts'
import { POSTGRES } from '../postgres/server.ts'
import { newDatabase } from '../postgres/shared-server.ts'
import { compiled } from '../programs/compiled.ts'
import { HAS_MORE, share } from '../run/extent.ts'

/* Calls of several programs to one actor, whose engines are killed meanwhile. */

class Tally {
  readonly last: Record<string, number> = {}
  readonly wrong: string[] = []
  count = 0
  note(_caller: string, _number: number): void {}
}

const CALLS = 3 * share(333, 3_333)
const CALLERS = ['Ann', 'Ben', 'Cid']

let folder: string
let store: string
let programs: ChildProcess[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'damson-callers-'))
  store = join(folder, 'calls.db')
  programs = []
})
afterEach(async () => {
  await Promise.all(programs.map((program) => ended(program, 'SIGKILL')))
  rmSync(folder, { recursive: true })
})

/** Starts a program. Resolves once it is ready, to what it says then. */
async function start(...args: string[]): Promise<[program: ChildProcess, said: string]> {
  const program = spawn(process.execPath, [compiled('test/programs/tally-program.ts'), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  programs.push(program)
  const [said] = (await once(program.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
  return [program, String(said).trim()]
}

async function ended(program: ChildProcess, signal?: NodeJS.Signals): Promise<number | null> {
  if (program.exitCode !== null || program.signalCode !== null) return program.exitCode
  const exit = once(program, 'exit')
  if (signal !== undefined) program.kill(signal)
  await exit
  return program.exitCode
}

/** An engine program, with the id of its engine. */
async function startEngine(): Promise<Running> {
  const [program, said] = await start('engine', store)
  return { program, id: said.split(' ')[1] ?? '' }
}

interface Running {
  readonly program: ChildProcess
  readonly id: string
}

/** Three programs call the actor, while that one of these engines is killed three times that runs it, and replaced. Returns how often the actor crashed. */
async function callThroughKills(engineCount: number): Promise<number> {
  const client = await Client.open({ store, create: true })
  const tally = await client.actor(Tally, [], { id: 'tally' })
  const engines = await Promise.all(Array.from({ length: engineCount }, startEngine))
  const each = CALLS / CALLERS.length
  const callers = await Promise.all(CALLERS.map((name) => start('caller', store, name, String(each))))
  for (const [caller] of callers) caller.stdin?.end('go\n')
  let kills = 0
  for (const part of [0.1, 0.4, 0.7]) {
    await expect
      .poll(() => tally.get('count'), { timeout: 100_000, interval: 5 })
      .toBeGreaterThan(part * CALLS)
    const { worker } = await tally.process.metadata()
    const at = engines.findIndex(({ id }) => id === worker)
    expect(at).not.toBe(-1)
    for (const { program } of engines.splice(at, 1)) await ended(program, 'SIGKILL')
    expect(await tally.get('count')).toBeLessThan(CALLS)
    kills++
    engines.push(await startEngine())
  }
  expect(await Promise.all(callers.map(([caller]) => ended(caller)))).toEqual([0, 0, 0])
  await expect.poll(() => tally.pending(), { timeout: 200_000, interval: 50 }).toBe(0)
  expect(await tally.get('wrong')).toEqual([])
  expect(await tally.get('last')).toEqual(Object.fromEntries(CALLERS.map((name) => [name, each])))
  expect(await tally.get('count')).toBe(CALLS)
  const crashes = (await tally.process.history()).filter(({ name }) => name === 'crashed')
  expect(crashes.length).toBeLessThanOrEqual(kills)
  await client.close()
  return crashes.length
}

test.each([1, 2])(
  '10,000 calls of three programs keep the order of each, and run once, although engines are killed meanwhile: %i at a time',
  { ...HAS_MORE, timeout: 240_000 },
  async (engineCount) => expect(await callThroughKills(engineCount)).toBeGreaterThan(0),
)

test.skipIf(POSTGRES === undefined)(
  'the same on Postgres, with two engines at a time',
  { ...HAS_MORE, timeout: 240_000 },
  async () => {
    store = await newDatabase()
    expect(await callThroughKills(2)).toBeGreaterThan(0)
  },
)
