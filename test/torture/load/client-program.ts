import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import { Client, type ProcessHandle } from '../../../src/index.ts'
import { Random } from '../../crash/random.ts'
import { callSome } from './calling.ts'
import { ask, kill, pause, play, resume, retry, savedReference, signal } from './asking.ts'
import { classes, type Known } from './classes.ts'
import { log, given } from './here.ts'
import { logger, opened } from './opening.ts'

/** Launches processes and does what one can do to them, until its standard input ends. */
const random = new Random(given.seed)
const client = await opened(() =>
  Client.open({
    store: given.store,
    create: true,
    processes: Object.values(classes),
    killGrace: 1_500,
    logger,
  }),
)

process.stdout.write('ready\n')

/**
 * For so long a `Blocker` stops its engine whose kill another engine has to do, in milliseconds: its time is up before, and the engine still
 * renews its lease.
 */
const BLOCKED = 8_000
/** How many of its processes may be under way at a time. */
const MOST = 14
const KINDS: readonly Known[] = [
  'Branches',
  'Branches',
  'Brood',
  'Caller',
  'Caller',
  'Stubborn',
  'Hasty',
  'Steps',
  'Steps',
  'Slow',
  'Slow',
  'Idle',
  'Idle',
  'Sleeper',
  'Sleeper',
  'Parent',
  'Parent',
  'Parent',
  'Listener',
  'Listener',
  'Listener',
  'Asker',
  'Asker',
  'Racer',
  'Flaky',
  'Failing',
  'Chain',
  'Chain',
  'Evolving',
  'Evolving',
  'Blocker',
  'Doomed',
  'Taker',
  'Taker',
  'Taker',
]

const stop = new AbortController()
process.stdin.on('end', () => stop.abort()).resume()
const underWay = new Set<Promise<void>>()
let launches = 0
/** Processes whose sums others may take. */
const recent: ProcessHandle[] = []
while (!stop.signal.aborted) {
  if (underWay.size < MOST) {
    const life = oneLife().finally(() => underWay.delete(life))
    underWay.add(life)
  }
  await later(20 + random.below(120))
}
await client.close()

function oneLife(): Promise<void> {
  if (random.below(7) === 0) return callSome(client, new Random(random.below(2 ** 31)), stop.signal)
  return one(random.oneOf(KINDS))
}

/** A process from its launch until nothing more is done to it. */
async function one(kind: Known): Promise<void> {
  const pid = `${kind}-${given.name}-${String(++launches).padStart(4, '0')}`
  const upstream = kind === 'Taker' && recent.length > 0 ? random.oneOf(recent) : undefined
  if (kind === 'Taker' && upstream === undefined) return
  const mayShare = kind !== 'Failing' && kind !== 'Taker'
  const shared = random.below(8) === 0 && mayShare ? `${kind} ${random.below(3)}` : undefined
  const own = shared === undefined ? inputsOf(kind, pid, random) : inputsOf(kind, shared, keyed(shared))
  const inputs = upstream === undefined ? own : { ...own, value: savedReference(upstream, 'sum') }
  const launched = upstream === undefined ? own : { ...own, value: upstream.outputs.ref('sum') }
  const delay = random.below(6) === 0 ? random.below(1_500) : undefined
  // What is done is chosen now: the order in which answers come is not said by the seed.
  const course = new Random(random.below(2 ** 31))
  const handle = await ask({ do: 'launch', pid, class: kind, inputs, key: shared, delay }, () =>
    client.launch(classes[kind], launched as never, {
      ...(shared === undefined ? { pid } : { key: shared }),
      ...(delay !== undefined && { delay }),
      ...('within' in inputs && { deadline: Number(inputs['within']) }),
    }),
  )
  if (handle === undefined) return
  recent.push(handle)
  if (recent.length > 10) recent.shift()
  // A retry of what has ended is a restart, and there is to be one of each: two do what was left undone twice, under one key.
  const mayRetry = shared === undefined && kind !== 'Failing'
  await Promise.all([
    from(kind, handle, inputs, course),
    control(handle, new Random(course.below(2 ** 31)), mayRetry),
  ])
}

/** The inputs that go with a key are the same for all who use it. */
function keyed(key: string): Random {
  return new Random(Buffer.from(key).reduce((sum, byte) => (sum * 31 + byte) % 2 ** 31, 7))
}

function inputsOf(kind: Known, name: string, random: Random): Readonly<Record<string, unknown>> {
  const n = 1 + random.below(3)
  const slow = random.below(60)
  switch (kind) {
    case 'Slow':
    case 'Doomed':
      return { n, slow: random.below(900) }
    case 'Idle':
      return { n: n + 1, slow: 500 + random.below(1_500) }
    case 'Sleeper':
    case 'Evolving':
      return { n, slow: 30 + random.below(500) }
    case 'Parent':
      return {
        n,
        slow: slow * 4,
        depth: 1 + random.below(3),
        how: random.oneOf(['join', 'wait', 'together']),
      }
    case 'Listener':
      return { n: n + 1, slow, how: random.oneOf(['hold', 'evict', 'wait']) }
    case 'Racer':
      return { n, slow: 100 + random.below(600) }
    case 'Blocker':
      return { n, slow: random.below(4) === 0 ? BLOCKED : random.below(given.lease * 2) }
    case 'Brood':
      return { n, slow: random.below(30) }
    case 'Branches':
      return { n: n + 1, slow: slow * 4 }
    case 'Hasty':
      return { n, slow: slow * 8, within: 300 + random.below(1_500) }
    case 'Failing':
    case 'Stubborn':
      return { n, slow, mend: join(given.folder, `mended ${name}`) }
    case 'Steps':
    case 'Taker':
    case 'Caller':
    case 'Asker':
    case 'Flaky':
    case 'Chain':
      return { n: n + random.below(3), slow }
  }
}

/** What a process needs from outside. */
async function from(
  kind: Known,
  handle: ProcessHandle,
  inputs: Readonly<Record<string, unknown>>,
  random: Random,
): Promise<void> {
  const times = Number(inputs['n'])
  switch (kind) {
    case 'Listener': {
      const together = random.below(4) === 0
      const each = Array.from({ length: times }, () => () => signal(handle, 'ping'))
      if (together) await Promise.all(each.map((send) => send()))
      else for (const send of each) await after(random, send)
      break
    }
    case 'Asker':
      for (let count = 0; count < times; count++) await after(random, () => resume(handle))
      break
    case 'Racer':
      if (random.below(3) > 0) await after(random, () => signal(handle, 'maybe'))
      break
    case 'Brood':
      await begun(handle)
      await later(random.below(200))
      if (!stop.signal.aborted) await kill(handle, false)
      return
    case 'Blocker':
      if (inputs['slow'] !== BLOCKED) break
      await begun(handle)
      if (!stop.signal.aborted) await kill(handle, false)
      return
    case 'Stubborn':
      await later(random.below(1_500))
      writeFileSync(String(inputs['mend']), '')
      await play(handle)
      break
    case 'Failing':
      await begunAgain(handle, String(inputs['mend']))
      return
    default:
  }
  if (random.below(3) === 0) await ends(handle)
}

/** Waits until a process has begun, or for some seconds at most. */
async function begun(handle: ProcessHandle): Promise<void> {
  for (let looks = 0; looks < 100 && !stop.signal.aborted; looks++) {
    const state = await handle.refresh().catch((error: unknown) => {
      logger.warn({ error, pid: handle.pid }, 'it cannot be looked at')
      return undefined
    })
    if (state !== undefined && state.label !== 'created') return
    await later(50)
  }
}

async function after(random: Random, call: () => Promise<unknown>): Promise<void> {
  await later(random.below(500))
  if (!stop.signal.aborted) await call()
}

async function ends(handle: ProcessHandle): Promise<void> {
  try {
    const state = await handle.wait({ timeout: 10_000 })
    if (state !== null) log.add({ what: 'reported', pid: handle.pid, state: state.label })
  } catch (error) {
    logger.warn({ error, pid: handle.pid }, 'nothing more is heard of it')
  }
}

/** What failed is mended and restarted, once or more often. */
async function begunAgain(handle: ProcessHandle, mend: string): Promise<void> {
  await ends(handle)
  if (stop.signal.aborted || !handle.done || handle.state.label !== 'excepted') return
  if (random.below(3) > 0) writeFileSync(mend, '')
  const next = await ask({ do: 'restart', pid: handle.pid }, () => client.restart(handle.pid))
  if (next !== undefined) await begunAgain(next, mend)
}

/** Pauses, plays and kills. */
async function control(handle: ProcessHandle, random: Random, mayRetry: boolean): Promise<void> {
  const chance = random.below(10)
  await later(random.below(700))
  if (stop.signal.aborted) return
  if (chance < 3) {
    await pause(handle)
    await later(random.below(1_200))
    if (!stop.signal.aborted) await play(handle)
  } else if (chance === 3) {
    await kill(handle, random.below(3) === 0)
  } else if (chance === 4) {
    await Promise.all([pause(handle), kill(handle, false)])
  } else if (chance === 5 && mayRetry) {
    await retry(handle)
  } else if (chance === 6) {
    void pause(handle)
    await play(handle)
  }
}
