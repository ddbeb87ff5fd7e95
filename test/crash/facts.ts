import type { Engine, ProcessRow } from '../../src/index.ts'
import { outside } from './outside.ts'

/** What came of a scenario, less what a crash may change. */
export interface Facts {
  readonly processes: Readonly<Record<string, unknown>>
  /** What was done outside. */
  readonly paid: readonly string[]
}

/**
 * What a crash may add to a history: what was begun is begun again, and reports its events again. It may take away the request of a kill, since a process that no engine
 * runs is killed at once.
 */
const REPEATED = new Set([
  'crashed',
  'recovered',
  'released',
  'running',
  'waiting',
  'joined',
  'sleeping',
  'checkpoint',
  'kill requested',
  'event',
])

/** Milliseconds since 1970, and dates as they are said. */
const TIME = /(?<=[":])17\d{11}\b|20\d\d-\d\d-\d\dT[\d:.]+Z/g

export async function factsOf(engine: Engine): Promise<Facts> {
  const { processes } = await engine.list({ limit: 1_000 })
  const rows = await Promise.all(
    processes.toReversed().map(async ({ pid }) => ({
      row: (await engine.store.read(pid)) as ProcessRow,
      // In the order in which they were created.
      at: (await engine.store.history(pid, { limit: 1 }))[0]?.commit ?? 0,
    })),
  )
  const inOrder = rows.toSorted((one, other) => one.at - other.at).map(({ row }) => row)
  const facts = await Promise.all(inOrder.map(async (row) => [row.pid, await tell(engine, row)] as const))
  let text = JSON.stringify({ processes: Object.fromEntries(facts), paid: outside.paid })
  for (const [pid, name] of [...namesOf(inOrder), ...(await placesOf(engine))])
    text = text.replaceAll(pid, name)
  // What began to wait later, since a crash came before, waits for longer.
  text = text.replaceAll(TIME, (time) => (time.startsWith('17') ? '0' : 'a time'))
  const { processes: named, paid } = JSON.parse(text) as Facts
  return { processes: named, paid: paid.toSorted() }
}

/** What was launched from outside in a group has its place for a name. */
async function placesOf(engine: Engine): Promise<Map<string, string>> {
  const names = new Map<string, string>()
  for (const { name, parent } of (await engine.store.groups()).rows) {
    if (parent !== null) continue
    for (const { pid, position } of await engine.store.members(name, 0)) names.set(pid, `${name} ${position}`)
  }
  return names
}

/** What is launched from outside has the name that the test gave it; what comes of others has one that says of which. */
function namesOf(rows: readonly ProcessRow[]): Map<string, string> {
  const names = new Map<string, string>()
  const children = new Map<string, number>()
  for (const { pid, parent, origin } of rows) {
    if (parent !== null) {
      const index = (children.get(parent) ?? 0) + 1
      children.set(parent, index)
      names.set(pid, `${names.get(parent) ?? parent}.${index}`)
    } else if (origin !== null) names.set(pid, `${origin.kind} of ${names.get(origin.pid) ?? origin.pid}`)
  }
  return names
}

async function tell(engine: Engine, row: ProcessRow): Promise<unknown> {
  const { state, step, paused, parked, parent, successful, exitCode, message, wait, attempt, owner } = row
  const ended = row.endedAt !== null
  const outcome = ended ? await engine.handle(row.pid).outcome() : undefined
  // When a result was dropped depends on when an engine looks.
  const { dropped } = await engine.inspect(row.pid)
  const outputs = dropped === null ? await engine.handle(row.pid).outputs.snapshot() : dropped.why
  const { mail } = await engine.store.pending(row.pid)
  const result =
    dropped !== null ? dropped.why : outcome?.status === 'rejected' ? String(outcome.reason) : outcome?.value
  const counts: Record<string, number> = {}
  for (const { name, data } of await engine.history(row.pid)) {
    if (REPEATED.has(name)) continue
    const key = `${name} ${JSON.stringify(data) ?? ''}`
    counts[key] = (counts[key] ?? 0) + 1
  }
  return {
    row: { state, step, paused, parked, parent, successful, exitCode, message, wait, attempt },
    owned: owner !== null && ended,
    result,
    outputs,
    mail,
    history: counts,
  }
}
