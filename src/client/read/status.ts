import { canLoad, canRun } from '../../persistence/contract/engines.ts'
import type { Control, ListFilter } from '../../persistence/contract/control.ts'
import type { EngineRow } from '../../persistence/contract/engines.ts'
import type { ProcessRow } from '../../persistence/contract/rows.ts'
import type { ClassSurvey, ReadyKind, WaitCount } from '../../persistence/contract/survey.ts'
import { itemClassName } from '../../process/host/chunks.ts'
import { stepsOf } from './steps-of-engine.ts'
import { span } from './wording.ts'
import type { ProcessState } from '../../process/state/process-state.ts'

/** What a store holds and what needs attention, as `client.status` returns it. */
export interface StoreStatus {
  /** The number of processes in each state. */
  readonly states: Readonly<Record<ProcessState, number>>
  /** One for each class, in the order of the names. */
  readonly classes: readonly ClassStatus[]
  /** The registered engines, alive or not. */
  readonly engines: readonly EngineStatus[]
  /** What the waiting processes wait for, the most frequent first. */
  readonly waits: readonly WaitCount[]
  /** What does not continue without help, the most urgent kind first. */
  readonly attention: readonly Attention[]
}

/** The processes of one class. Each is counted in one of the numbers. */
export interface ClassStatus {
  /** The registered name of the class. */
  readonly name: string
  /** Could continue now, but no engine runs them. */
  readonly ready: number
  /** An engine runs a step of them. */
  readonly running: number
  /** Wait for an event or a time, also for that of a delayed launch. */
  readonly waiting: number
  readonly paused: number
  readonly parked: number
  readonly succeeded: number
  readonly killed: number
  /** Excepted, or finished without success. */
  readonly failed: number
}

/** An engine of a store. */
export interface EngineStatus {
  readonly id: string
  readonly host: string
  /** The id of its program in the operating system. */
  readonly osPid: number
  readonly alive: boolean
  /** When its lease ends, unless a heartbeat renews it. */
  readonly leaseEnds: Date
  /** How many of its slots are used. */
  readonly used: number
  /** The number of its slots. */
  readonly concurrency: number
  /** The registered names of the classes that it runs. */
  readonly classes: readonly string[]
  /** The labels that it was opened with. */
  readonly labels: readonly string[]
}

/** An engine that is alive, as `client.engines` returns it. */
export interface EngineInfo extends Pick<EngineStatus, 'id' | 'host' | 'osPid' | 'classes' | 'labels'> {
  /** The most steps that it runs at the same time. */
  readonly slots: number
  /** The pids of the processes whose steps it runs. */
  readonly running: readonly string[]
  /** When its lease ends, unless a heartbeat renews it. */
  readonly leaseUntil: Date
}

/** Processes, or an engine, that need attention. */
export interface Attention {
  readonly kind: AttentionKind
  /** The registered name of the class of the processes; null if they are of any class. */
  readonly name: string | null
  /** The number of processes. For a dead engine: of those that it still holds. */
  readonly count: number
  /** The pid of the newest of them, if it is known. */
  readonly pid: string | null
  /** Why the newest of them does not continue, if that is known. */
  readonly reason: string | null
  /** The id of a dead or full engine. */
  readonly engine?: string
}

/**
 * `engine died`: its lease is over or its program has ended, and no other engine has taken its
 * processes. `kill overdue`: the deadline of a kill has passed. `no engine`: the processes are
 * ready, and no engine that is alive has their class and version, or the label that they ask for
 * (`worker`). `engine full`: the processes are ready, and an engine that has their class has run
 * the same steps in all its slots for a minute; `name` and `pid` are those of the step that runs
 * longest. `engine held`: the processes are ready, and an engine that has their class runs a suspect
 * alone, whose step began more than a minute ago; `name` and `pid` are those of the suspect.
 * `parked`: the processes can't be loaded. `gave up`: the processes are paused after their
 * last attempt, after a third crash, or because a step that ran again did not do what its record
 * says. `waits for itself`: the processes wait for their own end, which never comes. `failed`: the
 * processes excepted or finished without success within the last day, and are not superseded.
 */
export type AttentionKind =
  | 'engine died'
  | 'kill overdue'
  | 'no engine'
  | 'engine full'
  | 'engine held'
  | 'parked'
  | 'gave up'
  | 'waits for itself'
  | 'failed'

/** How long an engine may run the same steps in all its slots before it needs attention, in milliseconds. */
const LONG = 60 * 1000
/** How long a failure needs attention, in milliseconds. */
const LATELY = 24 * 60 * 60 * 1000
/** The processes of one kind that are read for their reasons, at most. */
const READ = 1000

/** Reads what a store holds. Every query is bounded or goes by an index. */
export async function statusOf(store: Control, now: number): Promise<StoreStatus> {
  const since = now - LATELY
  const [states, { classes, running, waits, overdueKills }, engines, parked, givenUp, failed] =
    await Promise.all([
      store.count(),
      store.survey(since),
      store.engines(),
      newest(store, { parked: true }),
      newest(store, { gaveUp: true }),
      newest(store, { successful: false, superseded: false, state: ['excepted', 'finished'] }),
    ])
  return {
    states,
    classes: classes.map(({ className, ready, running: runs, waiting, paused: held, ...rest }) => ({
      name: className,
      ready,
      running: runs,
      waiting,
      paused: held,
      parked: rest.parked,
      succeeded: rest.succeeded,
      killed: rest.killed,
      failed: rest.failed,
    })),
    waits,
    engines: engines.map((engine) => engineStatus(engine, running)),
    attention: [
      ...deadEngines(engines, running),
      ...(overdueKills > 0 ? [need('kill overdue', null, overdueKills)] : []),
      ...withoutEngine(classes, engines),
      ...(await busyEngines(store, classes, engines, running, now)),
      ...classes
        .filter(({ parked: count }) => count > 0)
        .map((one) => need('parked', one.className, one.parked, parked, (row) => row.parked)),
      ...classes
        .filter(({ gaveUp: count }) => count > 0)
        .map((one) =>
          need('gave up', one.className, one.gaveUp, givenUp, (row) => row.paused?.message ?? null),
        ),
      ...classes
        .filter(({ selfAwaiting }) => selfAwaiting > 0)
        .map((one) => ({
          ...need('waits for itself', one.className, one.selfAwaiting),
          pid: one.selfAwaitingPid,
        })),
      ...classes
        .filter(({ failedLately }) => failedLately > 0)
        .map((one) => need('failed', one.className, one.failedLately, failed, (row) => row.message)),
    ],
  }
}

/** Returns the engines that are alive, with what they run. */
export async function livingEngines(store: Control): Promise<readonly EngineInfo[]> {
  const [running, engines] = await Promise.all([runningByEngine(store), store.engines()])
  return engines
    .filter(({ alive }) => alive)
    .map((engine) => {
      const { id, host, osPid, classes, labels } = engineStatus(engine, {})
      const leaseUntil = new Date(engine.expires)
      return {
        id,
        host,
        osPid,
        classes,
        labels,
        slots: engine.concurrency,
        running: running.get(id) ?? [],
        leaseUntil,
      }
    })
}

/** The pids of the processes whose steps run, by their engines. */
async function runningByEngine(store: Control): Promise<ReadonlyMap<string, string[]>> {
  const running = new Map<string, string[]>()
  for (let after: string | undefined; ;) {
    const { rows, next } = await store.list({ state: 'running', limit: READ, after })
    for (const { pid, owner } of rows) {
      if (owner === null) continue
      const known = running.get(owner)
      if (known === undefined) running.set(owner, [pid])
      else known.push(pid)
    }
    if (next === undefined) return running
    after = next
  }
}

function engineStatus(engine: EngineRow, running: Readonly<Record<string, number>>): EngineStatus {
  return {
    id: engine.id,
    host: engine.host,
    osPid: engine.osPid,
    alive: engine.alive,
    leaseEnds: new Date(engine.expires),
    used: running[engine.id] ?? 0,
    concurrency: engine.concurrency,
    // An engine that has a class also has the class of its chunks.
    classes: engine.classes.map(({ name }) => name).filter((name) => itemClassName(name) === undefined),
    labels: engine.labels ?? [],
  }
}

/** Returns the newest processes that match a filter. */
async function newest(store: Control, filter: ListFilter): Promise<readonly ProcessRow[]> {
  return (await store.list({ ...filter, limit: READ })).rows
}

function need(
  kind: AttentionKind,
  name: string | null,
  count: number,
  rows: readonly ProcessRow[] = [],
  reasonOf: (row: ProcessRow) => string | null = () => null,
): Attention {
  const row = rows.find(({ className }) => className === name)
  return { kind, name, count, pid: row?.pid ?? null, reason: row === undefined ? null : reasonOf(row) }
}

function deadEngines(
  engines: readonly EngineRow[],
  running: Readonly<Record<string, number>>,
): readonly Attention[] {
  return engines
    .filter(({ alive }) => !alive)
    .map(({ id }) => ({ ...need('engine died', null, running[id] ?? 0), engine: id }))
}

/** The classes with ready processes that no living engine has in their version. */
function withoutEngine(classes: readonly ClassSurvey[], engines: readonly EngineRow[]): readonly Attention[] {
  const alive = engines.filter((engine) => engine.alive)
  return classes.flatMap(({ className, readyKinds }) => {
    const left = readyKinds.filter((kind) => !alive.some((engine) => canRun(engine, { className, ...kind })))
    if (left.length === 0) return []
    const reasons = new Set(left.flatMap((kind) => labelReason(className, kind, alive) ?? []))
    const count = left.reduce((sum, one) => sum + one.count, 0)
    return [{ ...need('no engine', className, count), reason: [...reasons].join('; ') || null }]
  })
}

/** Why no engine that is alive can run some processes; null if they lack the class. */
function labelReason(
  className: string,
  { version, worker }: ReadyKind,
  alive: readonly EngineRow[],
): string | null {
  const hasClass = alive.some(({ classes }) => canLoad(classes, className, version))
  return worker !== null && hasClass ? `no engine with the label ${worker} runs` : null
}

/** The engines that start nothing while processes are ready, because of steps that have run for long. */
async function busyEngines(
  store: Control,
  classes: readonly ClassSurvey[],
  engines: readonly EngineRow[],
  running: Readonly<Record<string, number>>,
  now: number,
): Promise<readonly Attention[]> {
  const full: Attention[] = []
  for (const engine of engines) {
    const used = running[engine.id] ?? 0
    const isHeld = engine.suspect?.runs === true
    if (!engine.alive || engine.concurrency === 0 || (!isHeld && used < engine.concurrency)) continue
    const waiting = classes.flatMap(({ className, readyKinds }) =>
      readyKinds.filter((kind) => canRun(engine, { className, ...kind })).map((kind) => kind.count),
    )
    const count = waiting.reduce((sum, one) => sum + one, 0)
    const steps = await stepsOf(store, engine.id)
    const [longest] = steps
    const newest = steps.at(-1)
    if (count === 0 || longest === undefined || newest === undefined || now - newest.updatedAt < LONG)
      continue
    const { className, pid, updatedAt } = longest
    if (isHeld) {
      const reason = `it runs the suspect ${className} ${pid} alone`
      full.push({ kind: 'engine held', name: className, count, pid, reason, engine: engine.id })
      continue
    }
    const reason = `the longest is in ${className} ${pid}, for ${span(now - updatedAt)}`
    full.push({ kind: 'engine full', name: className, count, pid, reason, engine: engine.id })
  }
  return full
}
