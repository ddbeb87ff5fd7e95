/** Measures Damson beside its peers: `npm run peers -- [--rounds 5] [--json] [name …]` in the folder of the bench. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { measurePeer, type Measured } from './measure-peer.ts'
import { peers, type Peer } from './peers.ts'
import { openPostgres } from '../postgres.ts'
import { newerNode } from './program.ts'
import { tableOf, type PeerResult } from './report.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '5' } },
})
const rounds = Number(values.rounds)
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds takes a whole number from 1 on')
const chosen = peers.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
const unknown = positionals.find((name) => !peers.some((peer) => peer.name === name))
if (unknown !== undefined)
  throw new Error(`there is no peer '${unknown}': give ${peers.map(({ name }) => `'${name}'`).join(', ')}`)

const data = join(import.meta.dirname, '../.data')
mkdirSync(data, { recursive: true })
const found = await openPostgres(data)
const postgres = typeof found === 'string' ? undefined : found
const machine = {
  commit: execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim(),
  node: process.version,
  newerNode: execFileSync(newerNode(), ['--version'], { encoding: 'utf8' }).trim(),
  postgres: postgres === undefined ? found : `${postgres.version}: ${postgres.settings}`,
  cpu: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
  disk: execFileSync('df', ['--output=source,fstype', data], { encoding: 'utf8' }).trim().split('\n').at(-1),
}
const loads: number[] = []
const measured = new Map<Peer, Measured[]>(chosen.map((peer) => [peer, []]))
const failures = new Map<Peer, string>()
try {
  for (let round = 0; round < rounds; round++) {
    // Each round begins with another peer, so that what disturbs the machine meets all alike.
    for (let i = 0; i < chosen.length; i++) {
      const peer = chosen[(i + round) % chosen.length]
      if (peer !== undefined) await measure(peer, round)
    }
    // After each round, so that a run that is broken off leaves those before.
    if (positionals.length === 0) save(round + 1)
  }
} finally {
  await postgres?.close()
}

async function measure(peer: Peer, round: number): Promise<void> {
  if (failures.has(peer)) return
  const missing = missingFor(peer)
  if (missing !== undefined) {
    failures.set(peer, missing)
    return
  }
  console.error(`round ${round + 1} of ${rounds}: ${peer.name}`)
  loads.push(loadavg()[0] ?? 0)
  try {
    const result = await measurePeer(peer, join(data, `peer-${process.pid}`), postgres)
    measured.get(peer)?.push(result)
    console.error(`  ${Object.entries(result).map(shown).join(', ')}`)
  } catch (error) {
    // A peer that loses a result or breaks does not count.
    console.error(error)
    failures.set(peer, (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '')
  }
}

/** What a peer needs and this machine lacks, and how to give it. */
function missingFor({ store, file }: Peer): string | undefined {
  if (file !== undefined && !existsSync(process.env[file.variable] ?? ''))
    return `${file.what}: set ${file.variable} to the absolute path of that file`
  return store === 'postgres' && typeof found === 'string' ? found : undefined
}

function shown([what, value]: [what: string, value: number | undefined]): string {
  return `${what} ${value?.toPrecision(3) ?? 'unknown'}`
}

console.log(values.json ? textOf(rounds) : tableOf(results()))

function save(done: number): void {
  const folder = join(import.meta.dirname, '../results')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'peers.json'), textOf(done))
}

function textOf(done: number): string {
  const result = {
    at: new Date().toISOString(),
    ...machine,
    rounds: done,
    /** Programs that wanted to run, on average of the minute before each peer; lowest and highest. */
    load: { lowest: Math.min(...loads), highest: Math.max(...loads) },
    peers: results(),
  }
  return `${JSON.stringify(result, null, 2)}\n`
}

function results(): PeerResult[] {
  return chosen.map((peer) => {
    const failure = failures.get(peer)
    const version = versionOf(peer.package)
    return { peer, version, rounds: measured.get(peer) ?? [], ...(failure !== undefined && { failure }) }
  })
}

function versionOf(name: string): string {
  const require = createRequire(import.meta.url)
  const folder = require.resolve.paths(name)?.map((path) => join(path, name, 'package.json'))
  for (const path of folder ?? []) {
    try {
      return (JSON.parse(readFileSync(path, 'utf8')) as { readonly version: string }).version
    } catch {
      continue
    }
  }
  return 'not installed'
}
