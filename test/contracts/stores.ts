import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, onTestFinished, type TestOptions } from 'vitest'
import { MemoryStore, type Clock } from '../../src/index.ts'
import { SqliteStore } from '../../src/persistence/sqlite/index.ts'
import type { Store } from '../../src/persistence/contract/store.ts'
import { systemClock } from '../../src/shared/clock.ts'
import type { Advance, Create, Request } from '../../src/persistence/contract/writes.ts'
import { OVER_POSTGRES, patientStore, RUNS_OVER_POSTGRES } from '../postgres/shared-store.ts'

/** The path of a database in a folder of its own, which is removed when the test has ended. */
export async function aPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'damson-contract-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return join(folder, 'test.db')
}

export async function openSqlite(path: string, clock?: Clock): Promise<SqliteStore> {
  const store = await SqliteStore.open(path, { clock })
  onTestFinished(() => store.close())
  return store
}

type OpenBackEnd = (clock?: Clock) => Promise<Store>

const BACK_ENDS: readonly (readonly [name: string, options: TestOptions, open: OpenBackEnd])[] = [
  ['memory', {}, async (clock) => new MemoryStore({ clock })],
  ['SQLite', {}, async (clock) => openSqlite(await aPath(), clock)],
  ...(RUNS_OVER_POSTGRES ? [['Postgres', OVER_POSTGRES, openPostgres] as const] : []),
]

async function openPostgres(clock: Clock = systemClock): Promise<Store> {
  const store = await patientStore(clock)
  onTestFinished(() => store.close())
  return store
}

/** The same tests over each back end. */
export function overBackEnds(tests: (name: string, open: OpenBackEnd) => void): void {
  for (const [name, options, open] of BACK_ENDS)
    describe(`over ${name}`, options, () => {
      tests(name, open)
    })
}

/** A store whose commits take some turns of the event loop; `committed` hears of each when it is durable. */
export function slow(
  store: Store,
  committed: (commit: Parameters<Store['commit']>[0]) => void = () => {},
): Store {
  return replaced(store, {
    commit: async (writes) => {
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
      const outcomes = await store.commit(writes)
      committed(writes)
      return outcomes
    },
  })
}

/** A store that is another one in everything but these methods. */
export function replaced(store: Store, methods: Partial<Store>): Store {
  return new Proxy(store, {
    get(target, name) {
      if (name in methods) return Reflect.get(methods, name) as unknown
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
}

// ---------- writes ----------

/** A new process in its first step, run by an engine; without one it waits for its first claim. */
export function create(pid: string, engine: string | null = null): Create {
  return {
    kind: 'create',
    pid,
    className: 'Count',
    version: 1,
    createdAt: 0,
    parent: null,
    parentFence: null,
    key: null,
    label: null,
    seq: engine === null ? 0 : 1,
    state: engine === null ? 'created' : 'running',
    step: 'run',
    status: null,
    parts: { inputs: '{}', state: engine === null ? '{"label":"created"}' : stateText('run') },
    claim: engine,
    history: [{ name: 'created', data: null }],
    ending: null,
  }
}

/** From one step to the next, unless a test sets it. */
export function advance(pid: string, fence: number, seq: number, other: Partial<Advance> = {}): Advance {
  return {
    kind: 'advance',
    pid,
    fence,
    seq,
    owner: 'engine',
    state: 'running',
    step: 'next',
    status: null,
    parts: { state: stateText('next') },
    dropped: [],
    paused: null,
    consumes: null,
    history: [{ name: 'running', data: null }],
    ending: null,
    ...other,
  }
}

export const toWait: Partial<Advance> = {
  state: 'waiting',
  parts: { state: '{"label":"waiting","step":"next"}' },
  history: [{ name: 'waiting', data: null }],
}

export const toEnd: Partial<Advance> = {
  state: 'finished',
  step: null,
  parts: { state: '{"label":"finished","successful":true}', 'out:late': '1' },
  history: [{ name: 'finished', data: null }],
  ending: { successful: true, exitCode: null, message: null, dropCheckpoint: true },
}

export function request(pid: string, what: Request['request'], other: Partial<Request> = {}): Request {
  return {
    kind: 'request',
    pid,
    request: what,
    message: null,
    grace: 0,
    by: 'a test',
    killedState: what === 'kill' ? '{"label":"killed"}' : null,
    ...other,
  }
}

function stateText(step: string): string {
  return JSON.stringify({ label: 'running', step, args: [] })
}

/** All that a store says of a process. */
export async function everything(store: Store, pid: string): Promise<unknown> {
  const stored = await store.load(pid)
  return { row: stored?.row, parts: stored?.bundle().parts, history: await store.history(pid) }
}

export async function register(store: Store, id: string, lease = 3_600_000): Promise<void> {
  await store.join({
    id,
    host: 'here',
    osPid: 1,
    lease,
    concurrency: 1,
    classes: [{ name: 'Count', version: 1 }],
  })
}

/** Claims up to `limit` processes for an engine. */
export function claim(store: Store, engine: string, suspects = false, limit = 10) {
  return store.claim({ engine, classes: [{ name: 'Count', version: 1 }], limit, suspects })
}
