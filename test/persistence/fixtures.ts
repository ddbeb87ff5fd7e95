import { expect } from 'vitest'
import type { WaitConditions } from '../../src/process/state/transition.ts'
import type { EngineIdentity } from '../../src/persistence/contract/engines.ts'
import type { Change } from '../../src/persistence/contract/rows.ts'
import type { Outcome } from '../../src/persistence/contract/outcomes.ts'
import type { ClaimedProcess, Store } from '../../src/persistence/contract/store.ts'
import type {
  Advance,
  Create,
  Request,
  Resume,
  Signal,
  StepRecord,
  Write,
} from '../../src/persistence/contract/writes.ts'
import { PersistenceError, SerializationError } from '../../src/shared/errors.ts'

let made = 0

/** A launch; pids sort by the order in which they were made. */
export function create(fields: Partial<Create> = {}): Create {
  made++
  return {
    kind: 'create',
    pid: `pid-${String(made).padStart(6, '0')}`,
    className: 'Bake',
    version: 1,
    createdAt: 1_000 + made,
    parent: null,
    parentFence: null,
    key: null,
    label: null,
    seq: 0,
    state: 'created',
    step: 'run',
    status: null,
    parts: { state: '{"label":"created"}', inputs: '{"n":1}' },
    claim: null,
    history: [{ name: 'created', data: null }],
    ending: null,
    ...fields,
  }
}

/** The next saved state of a claimed process. */
export function advance(
  claimed: { pid: string; fence: number; seq: number },
  fields: Partial<Advance> = {},
): Advance {
  const state = fields.state ?? 'running'
  return {
    kind: 'advance',
    pid: claimed.pid,
    fence: claimed.fence,
    seq: claimed.seq + 1,
    owner: 'A',
    state,
    step: state === 'running' ? 'bake' : null,
    status: null,
    parts: { state: JSON.stringify({ label: state, at: claimed.seq + 1 }) },
    dropped: [],
    paused: null,
    consumes: null,
    history: [{ name: state, data: null }],
    ending: null,
    ...fields,
  }
}

export function finish(
  claimed: { pid: string; fence: number; seq: number },
  fields: Partial<Advance> = {},
): Advance {
  return advance(claimed, {
    state: 'finished',
    ending: { successful: true, exitCode: null, message: null, dropCheckpoint: true },
    ...fields,
  })
}

export function request(pid: string, what: Request['request'], fields: Partial<Request> = {}): Request {
  return {
    kind: 'request',
    pid,
    id: `request ${++made}`,
    request: what,
    message: null,
    grace: 10_000,
    by: 'a client',
    killedState: what === 'kill' ? '{"label":"killed"}' : null,
    ...fields,
  }
}

export function resume(pid: string, fields: Partial<Resume> = {}): Resume {
  return { kind: 'resume', pid, id: `resume ${++made}`, value: '42', by: 'a client', ...fields }
}

export function engine(id: string, fields: Partial<EngineIdentity> = {}): EngineIdentity {
  return { id, host: 'here', osPid: process.pid, lease: 10_000, concurrency: 100, classes: BAKE, ...fields }
}

export const BAKE = [{ name: 'Bake', version: 1 }]

/** Commits as an engine does: what was rejected, or refused for no lasting reason, is committed again as it was. */
export async function commit(store: Store, ...writes: Write[]): Promise<Outcome[]> {
  return commitAgain(store, writes, 100)
}

async function commitAgain(store: Store, writes: readonly Write[], tries: number): Promise<Outcome[]> {
  let outcomes: readonly Outcome[] | undefined
  for (let left = 100; outcomes === undefined; left--) {
    try {
      outcomes = await store.commit(writes)
    } catch (error) {
      if (left === 0) throw error
    }
  }
  const settled: Outcome[] = []
  for (const [index, outcome] of outcomes.entries()) {
    const again =
      tries > 0 &&
      outcome.status === 'refused' &&
      outcome.error instanceof PersistenceError &&
      !(outcome.error instanceof SerializationError)
    const [redone] = again ? await commitAgain(store, [writes[index] as Write], tries - 1) : [outcome]
    settled.push(redone as Outcome)
  }
  return settled
}

export async function commitOne(store: Store, write: Write): Promise<Outcome> {
  const [outcome] = await commit(store, write)
  return outcome as Outcome
}

/** Commits writes that are all to be done. */
export async function done(store: Store, ...writes: Write[]): Promise<void> {
  const outcomes = await commit(store, ...writes)
  expect(outcomes.map(({ status }) => status)).toEqual(writes.map(() => 'done'))
}

export function claim(
  store: Store,
  by: string,
  fields: {
    limit?: number
    suspects?: boolean
    classes?: typeof BAKE
    labels?: readonly string[] | undefined
    beside?: string
  } = {},
) {
  return store.claim({ engine: by, classes: BAKE, limit: 10, suspects: false, ...fields })
}

/** Claims the one process that is ready. */
export async function claimOne(store: Store, by: string): Promise<Held> {
  const claimed = await claim(store, by)
  expect(claimed).toHaveLength(1)
  return held(claimed[0] as ClaimedProcess)
}

export interface Held {
  readonly pid: string
  readonly fence: number
  readonly seq: number
  readonly wake: ClaimedProcess['wake']
  readonly played: boolean
}

export function held({ row, fence, wake, played }: ClaimedProcess): Held {
  return { pid: row.pid, fence, seq: row.seq, wake, played }
}

/** A process that this engine runs. */
export async function running(store: Store, by: string, fields: Partial<Create> = {}): Promise<Held> {
  const write = create({ ...fields, claim: by, state: 'running', seq: 1 })
  await done(store, write)
  return { pid: write.pid, fence: 1, seq: 1, wake: null, played: false }
}

/** A process that waits, with nobody running it. */
export async function waiting(store: Store, by: string, fields: Partial<Create> = {}): Promise<Held> {
  const process = await running(store, by, fields)
  await done(store, advance(process, { state: 'waiting' }))
  return { ...process, seq: process.seq + 1 }
}

/** The changes that a store has reported, for tests that wait for one of them. */
export class Heard {
  readonly changes: Change[] = []
  #heard: () => void = () => {}

  constructor(store: Store) {
    store.watch((changes) => {
      this.changes.push(...changes)
      this.#heard()
    })
  }

  /** Resolves once the changes fit. */
  async until(fit: (changes: readonly Change[]) => boolean): Promise<void> {
    while (!fit(this.changes)) await new Promise<void>((resolve) => (this.#heard = resolve))
  }
}

export async function historyNames(store: Store, pid: string): Promise<string[]> {
  return (await store.history(pid)).map(({ name }) => name)
}

// ---------- waits, records, retries ----------

/** What a wait is for: nothing but what is named. */
export function waitFor(fields: Partial<WaitConditions> = {}): WaitConditions {
  return { resume: false, signal: null, until: null, on: [], any: false, ...fields }
}

/** A transition into a wait. */
export function wait(
  claimed: { pid: string; fence: number; seq: number },
  what: Partial<WaitConditions>,
  fields: Partial<Advance> = {},
): Advance {
  return advance(claimed, { state: 'waiting', wait: waitFor(what), ...fields })
}

/** A process that waits for this, with nobody running it. */
export async function waitingFor(
  store: Store,
  by: string,
  what: Partial<WaitConditions>,
  fields: Partial<Create> = {},
): Promise<Held> {
  const process = await running(store, by, fields)
  await done(store, wait(process, what))
  return { ...process, seq: process.seq + 1 }
}

export function signal(pid: string, name: string, fields: Partial<Signal> = {}): Signal {
  return { kind: 'signal', pid, id: `signal ${++made}`, name, value: '42', by: 'a client', ...fields }
}

/** What a step writes before it ends, the first one under its claim. */
export function record(
  claimed: { pid: string; fence: number },
  fields: Partial<StepRecord> = {},
): StepRecord {
  const { pid, fence } = claimed
  return { kind: 'record', pid, fence, count: 1, parts: {}, consumes: null, history: [], ...fields }
}

/** A record of a step that only waits from now on. */
export function waitInStep(
  claimed: { pid: string; fence: number },
  what: Partial<WaitConditions>,
  fields: Partial<StepRecord> = {},
): StepRecord {
  return record(claimed, { waits: { message: 'waits in its step', for: waitFor(what) }, ...fields })
}

/** A process that backs off until a time, after its first attempt. */
export async function backingOff(
  store: Store,
  by: string,
  until: number,
  fields: Partial<Create> = {},
): Promise<Held> {
  const process = await running(store, by, fields)
  const history = [{ name: 'failed', data: '{"attempt":1}' }]
  await done(store, wait(process, { until }, { attempt: 2, history }))
  return { ...process, seq: process.seq + 1 }
}
