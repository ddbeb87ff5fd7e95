/** Measures all rows, or the groups of them that are named: `npm start -- [--postgres] [--json] [--rounds 5] [group …]` */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { RowSizes } from './bare.ts'
import { actorRows } from './actors.ts'
import { childrenRows } from './children.ts'
import { crowdRows } from './crowd.ts'
import { engineRows } from './engines.ts'
import { durableRows, durableSizes } from './durable.ts'
import { groupRows } from './groups.ts'
import { idleRows } from './idle.ts'
import { largeInputRows } from './large-inputs.ts'
import type { Row } from './measure.ts'
import { memoryRows } from './memory.ts'
import { inFiles, inPostgres } from './place.ts'
import { openPostgres } from './postgres.ts'
import { millionRows } from './million.ts'
import { referenceRows } from './references.ts'
import { tableOf } from './report.ts'
import { signalRows } from './signals.ts'
import { stepRows } from './steps.ts'
import { waitingRows } from './waiting.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    postgres: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
  },
})
const rounds = Number(values.rounds)
const data = join(import.meta.dirname, '.data')
mkdirSync(data, { recursive: true })
const server = values.postgres ? await openPostgres(data) : undefined
if (typeof server === 'string') throw new Error(server)
const place = server === undefined ? inFiles : inPostgres(server)

let sizes: RowSizes | undefined
type Groups = Readonly<Record<string, () => Promise<Row[]>>>
/** Over files, and over Postgres. */
const overBoth: Groups = {
  durable: async () => {
    const measured = await durableRows(rounds, place)
    sizes = measured.sizes
    return measured.rows
  },
  million: () => millionRows(rounds, place),
  signals: () => signalRows(rounds, place),
  engines: () => engineRows(Math.min(3, rounds), place),
  idle: async () => idleRows(Math.min(3, rounds), sizes ?? (await durableSizes()), place),
}
const overFiles: Groups = {
  memory: () => memoryRows(rounds),
  waiting: () => waitingRows(rounds),
  large: () => largeInputRows(rounds),
  children: () => childrenRows(Math.min(3, rounds)),
  steps: () => stepRows(rounds),
  crowd: () => crowdRows(Math.min(3, rounds)),
  groups: () => groupRows(Math.min(3, rounds)),
  references: () => referenceRows(Math.min(3, rounds)),
  actors: () => actorRows(Math.min(3, rounds)),
}
const groups: Groups = values.postgres ? overBoth : { ...overBoth, ...overFiles }

const rows: Row[] = []
for (const name of positionals.length > 0 ? positionals : Object.keys(groups)) {
  const group = groups[name]
  if (group === undefined)
    throw new Error(
      `there is no group ${name}${values.postgres ? ' over Postgres' : ''}: give ${Object.keys(groups).join(', ')}`,
    )
  console.error(`measuring: ${name}`)
  rows.push(...(await group()))
}
await server?.close()

const result = {
  at: new Date().toISOString(),
  commit: execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim(),
  node: process.version,
  store: server === undefined ? 'SQLite' : `Postgres ${server.version}: ${server.settings}`,
  cpu: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
  rounds,
  /** Programs that wanted to run, on average of the last minute; above the number of processors it was a busy machine. */
  load: loadavg()[0],
  bytesPerTransition: sizes,
  rows,
}
const json = `${JSON.stringify(result, null, 2)}\n`
console.log(values.json ? json : tableOf(rows))
if (positionals.length === 0) {
  const folder = join(import.meta.dirname, 'results')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, values.postgres ? 'latest-postgres.json' : 'latest.json'), json)
}
