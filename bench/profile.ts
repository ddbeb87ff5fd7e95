/** Where the time of one process of three steps goes: `npm run profile -- [--postgres] [--json]`. */
import { Session, type Profiler } from 'node:inspector/promises'
import { parseArgs } from 'node:util'
import { Engine } from 'damson'
import { table } from 'table'
import { costOf, data, seconds, withFile } from './measure.ts'
import { openPostgres } from './postgres.ts'
import { runTogether, ThreeSteps } from './processes.ts'

const TOGETHER = 1000
const WARM_UP = 10
const ROUNDS = 20
/** Microseconds. */
const INTERVAL = 100

/** Where a file of the built package belongs. The first that fits counts. */
const PLACES: readonly (readonly [pattern: RegExp, place: string])[] = [
  [/\/dist\/persistence\//, 'the store’s own code'],
  [/\/better-sqlite3\//, 'statements of SQLite'],
  [/\/pg(-pool|-protocol)?\/|^node:(net|buffer|internal\/(stream|buffer))/, 'the driver of Postgres'],
  [/\/dist\/bundle\//, 'encoding of values'],
  [/\/dist\/(engine|client)\//, 'engine and client'],
  [/\/dist\/(process|spec|ports|shared)\//, 'process, ports and spec'],
  [/^node:(async_hooks|internal\/async)/, 'async hooks of Node'],
  [/\/bench\//, 'the processes themselves, and this bench'],
]

interface Node {
  readonly node: Profiler.ProfileNode
  readonly parent: Node | undefined
}

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, postgres: { type: 'boolean', default: false } },
})
const measured = values.postgres ? await onPostgres() : await withFile((path) => measure(path))
if (values.json) console.log(JSON.stringify(measured, null, 2))
else {
  const rows = Object.entries(measured.places).map(([place, value]) => [place, value.toFixed(1)])
  console.log(
    table([
      ['microseconds of one process of three steps, warm', measured.total.toFixed(1)],
      ['the same without the profiler', measured.undisturbed.toFixed(1)],
      ['processor time of it, by all threads of the program', measured.processor.toFixed(1)],
      ...(values.postgres ? [['processor time of it, by the server', measured.server.toFixed(1)]] : []),
      ...rows,
    ]),
  )
}

async function onPostgres() {
  const server = await openPostgres(data)
  if (typeof server === 'string') throw new Error(server)
  try {
    return await measure(await server.create(), () => server.processor())
  } finally {
    await server.close()
  }
}

/** `ofServer` tells the seconds of processors that a server of the store has used. */
async function measure(store: string, ofServer: () => number | undefined = () => 0) {
  const engine = await Engine.open({ store, processes: [ThreeSteps] })
  const inRounds = async (rounds: number): Promise<void> => {
    for (let i = 0; i < rounds; i++) await runTogether(engine, ThreeSteps, TOGETHER)
  }
  await inRounds(WARM_UP)
  const before = ofServer() ?? 0
  const undisturbed = await costOf(() => inRounds(ROUNDS))
  const server = (ofServer() ?? 0) - before
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: INTERVAL })
  await session.post('Profiler.start')
  const took = await seconds(() => inRounds(ROUNDS))
  const { profile } = await session.post('Profiler.stop')
  session.disconnect()
  await engine.close()
  const perProcess = TOGETHER * ROUNDS
  const places = [...placesOf(profile)].toSorted(([, a], [, b]) => b - a)
  return {
    total: (took * 1e6) / perProcess,
    undisturbed: (undisturbed.seconds * 1e6) / perProcess,
    processor: (undisturbed.processor * 1e6) / perProcess,
    server: (server * 1e6) / perProcess,
    places: Object.fromEntries(places.map(([place, time]) => [place, time / perProcess])),
  }
}

/** Microseconds of each place. */
function placesOf(profile: Profiler.Profile): Map<string, number> {
  const nodes = new Map<number, Node>()
  const byId = new Map(profile.nodes.map((node) => [node.id, node]))
  const add = (node: Profiler.ProfileNode, parent: Node | undefined): void => {
    const added = { node, parent }
    nodes.set(node.id, added)
    for (const id of node.children ?? []) {
      const child = byId.get(id)
      if (child !== undefined) add(child, added)
    }
  }
  const [root] = profile.nodes
  if (root !== undefined) add(root, undefined)
  const times = new Map<string, number>()
  const deltas = profile.timeDeltas ?? []
  for (const [index, id] of (profile.samples ?? []).entries()) {
    const place = placeOf(nodes.get(id))
    times.set(place, (times.get(place) ?? 0) + (deltas[index + 1] ?? 0))
  }
  return times
}

function placeOf(node: Node | undefined): string {
  if (node === undefined) return 'other'
  const { functionName, url } = node.node.callFrame
  if (functionName === '(garbage collector)') return 'garbage collection'
  if (functionName === '(idle)') return 'idle'
  if (functionName === '(program)' || functionName === '(root)') return 'other'
  // A function of the driver is compiled code without a file.
  if (url === '') return nativePlace(functionName, node.parent)
  return PLACES.find(([pattern]) => pattern.test(url))?.[1] ?? 'other'
}

function nativePlace(name: string, parent: Node | undefined): string {
  if (parent === undefined) return 'other'
  const { functionName, url } = parent.node.callFrame
  if (/\/dist\/persistence\/sqlite\//.test(url) && ['run', 'get', 'all', 'exec', 'iterate'].includes(name))
    return /transaction/i.test(functionName) ? 'commits' : 'statements of SQLite'
  return placeOf(parent)
}
