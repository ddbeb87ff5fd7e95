import type { BundleParts } from '../bundle/bundle.ts'
import { recordPart } from '../bundle/bundle.ts'
import type { Create, Origin, ProcessRow, Store, StoredProcess, WaitFor } from '../persistence/store.ts'
import { CheckpointNotFound, IncompatibleBundle, InvalidStateError, ProcessLost } from '../shared/errors.ts'
import { newPid } from '../shared/ids.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../shared/json.ts'
import type { ProcessState } from '../process/state.ts'
import { childPid, launchEntry } from './child-pid.ts'
import { RESUBMITTED, UNCHECKED } from './launching.ts'

/*
 * What is written to begin an ended process again.
 *
 * 1. A restarted process is a new one. It has what the old one had at the checkpoint that it is restarted from, and the record of the step
 *    that failed, whose effects keep their keys: what was done is not done again (C6).
 * 2. Of the processes that the step launched, or that the state is about, those that did well stay what they are; those that ended
 *    unsuccessfully are begun again too.
 * 3. The old one is not touched.
 */

/** How many children are read at a time. */
const PAGE = 1_000

/** A saved point of a process from which it can go on. */
interface Point {
  readonly version: number
  readonly status: string | null
  /** The sequence number of the commit that led there. */
  readonly seq: number
  readonly state: string
  readonly parts: BundleParts
}

export interface RestartOptions {
  /** The tag of a checkpoint that the process kept with `this.checkpoint(tag)`. Default: where it was before it ended. */
  readonly from?: string | undefined
}

/**
 * The writes that restart a process, its own last; they belong into one commit.
 *
 * @throws ProcessLost where the store has no such process
 * @throws InvalidStateError for one that has not ended
 * @throws CheckpointNotFound where there is nothing to restart from
 */
export async function restartWrites(
  store: Store,
  pid: string,
  { from }: RestartOptions,
  now: number,
): Promise<readonly Create[]> {
  const stored = await ended(store, pid)
  const point = from === undefined ? lastPoint(stored) : await taggedPoint(store, pid, from)
  const { parent } = stored.row
  const above = parent === null ? undefined : await store.read(parent)
  const lives = above?.endedAt === null && above.killRequested === null
  return new Restart(store, now).writes(stored, point, lives ? parent : null)
}

/**
 * The write that begins a process anew from its inputs.
 *
 * @throws ProcessLost where the store has no such process
 * @throws InvalidStateError for one that has not ended
 */
export async function resubmitWrite(store: Store, pid: string, now: number): Promise<Create> {
  const stored = await ended(store, pid)
  const { inputs = '{}', launch, state } = stored.bundle().parts
  const unchecked = state === UNCHECKED || stored.before() === UNCHECKED
  return {
    ...created(stored.row, newPid(), null, { pid, kind: 'resubmit' }, now),
    state: 'created',
    step: 'run',
    parts: {
      state: unchecked ? UNCHECKED : RESUBMITTED,
      inputs,
      ...(launch !== undefined && { launch }),
    },
  }
}

async function ended(store: Store, pid: string): Promise<StoredProcess> {
  const stored = await store.load(pid)
  if (stored === undefined)
    throw new ProcessLost(pid, `there is no process ${pid} in this store, so it can't be begun again`)
  const { state, endedAt } = stored.row
  if (endedAt === null) {
    throw new InvalidStateError(
      `process ${pid} is ${state}: only what has ended is begun again; retry() or play() lets it go on, or kill it first`,
    )
  }
  return stored
}

function lastPoint(stored: StoredProcess): Point {
  const { row } = stored
  const state = stored.before()
  if (state !== undefined) {
    const { parts } = stored.bundle()
    return { version: row.version, status: row.status, seq: row.seq - 1, state, parts }
  }
  throw new CheckpointNotFound(
    row.successful === true
      ? `process ${row.pid} finished successfully, and keeps no checkpoint to be restarted from; resubmit begins it anew from its inputs`
      : `process ${row.pid} has no checkpoint to be restarted from; resubmit begins it anew from its inputs`,
  )
}

async function taggedPoint(store: Store, pid: string, tag: string): Promise<Point> {
  const tags = (await store.getProcessCheckpoints(pid)).flatMap((one) => (one.tag === null ? [] : [one.tag]))
  if (!tags.includes(tag)) {
    const known = tags.length === 0 ? 'it has kept none' : `it has kept ${tags.join(', ')}`
    throw new CheckpointNotFound(
      `there is no checkpoint of process ${pid} tagged ${JSON.stringify(tag)}: ${known}`,
    )
  }
  const { head, parts } = await store.loadCheckpoint(pid, tag)
  return {
    version: head.version,
    status: head.status ?? null,
    seq: head.seq,
    state: parts['state'] ?? '{}',
    parts,
  }
}

/** What of a new process is taken over from the one that it is made from. */
function created(
  row: ProcessRow,
  pid: string,
  parent: string | null,
  origin: Origin,
  now: number,
): Omit<Create, 'state' | 'step' | 'parts'> {
  return {
    kind: 'create',
    pid,
    className: row.className,
    version: row.version,
    createdAt: now,
    parent,
    parentFence: null,
    key: null,
    label: row.label,
    seq: 0,
    status: null,
    claim: null,
    history: [
      {
        name: 'created',
        data: JSON.stringify({ [origin.kind === 'restart' ? 'restarted' : 'resubmitted']: origin.pid }),
      },
    ],
    ending: null,
    abandoned: row.abandoned,
    deadline: deadlineAgain(row, now),
    origin,
  }
}

/** It has as long as the one had that it is made from, where that was any time at all. */
function deadlineAgain({ deadline, createdAt }: ProcessRow, now: number): number | null {
  return deadline === null || deadline <= createdAt ? null : now + (deadline - createdAt)
}

class Restart {
  readonly #store: Store
  readonly #now: number

  constructor(store: Store, now: number) {
    this.#store = store
    this.#now = now
  }

  async writes(stored: StoredProcess, point: Point, parent: string | null): Promise<Create[]> {
    const { row } = stored
    const pid = newPid()
    const { state, step } = againFrom(parsed(point.state, row.pid), row.pid, point.seq)
    const again = await this.#others(state, pid)
    const next = waitingAgain(replaced(state, again), again)
    const entries = step === undefined ? {} : await this.#launched(row, step, point)
    const parts: Record<string, string> = { ...point.parts, ...entries, state: JSON.stringify(next) }
    // Those of children that have failed since are launched anew.
    for (const name in parts) if (parts[name] === GONE) delete parts[name]
    const own: Create = {
      ...created(row, pid, parent, { pid: row.pid, kind: 'restart' }, this.#now),
      version: point.version,
      status: point.status,
      state: next['label'] as ProcessState,
      step: placeIn(next),
      parts,
      wait: waitOf(next),
    }
    return [...[...again.others.values()].flatMap(({ writes }) => writes), own]
  }

  /** The processes that the state is about and that ended unsuccessfully, begun again as children of the new process. */
  async #others(state: JsonObject, parent: string): Promise<Others> {
    const others = new Map<string, Again>()
    const living = new Set<string>()
    const into = arrayOf(state['into'])
    for (const pids of [pidsIn(state, 'on'), pidsIn(state, 'ended')]) {
      for (const [index, pid] of pids.entries()) {
        if (others.has(pid) || living.has(pid)) continue
        const stored = await this.#store.load(pid)
        if (stored?.row.endedAt === null) living.add(pid)
        // The process goes on with that failure.
        if ((into[index] as JsonObject | undefined)?.['allowFailure'] === true) continue
        if (stored?.row.successful !== false || stored.before() === undefined) continue
        const writes = await this.writes(stored, lastPoint(stored), parent)
        others.set(pid, { pid: (writes.at(-1) as Create).pid, writes })
      }
    }
    return { others, living }
  }

  /** What the record has to say of the children that the step launched: those that did well, or go on, are found again. */
  async #launched(row: ProcessRow, step: StepKey, { parts, seq }: Point): Promise<Record<string, string>> {
    const entries: Record<string, string> = {}
    const counts = new Map<string, number>()
    const prefix = recordPart('launch:')
    for (const [name, text] of Object.entries(parts)) {
      if (!name.startsWith(prefix)) continue
      const { pid } = JSON.parse(text) as { readonly pid: string }
      const child = await this.#store.read(pid)
      if (child === undefined || child.successful === false) entries[name] = GONE
      const className = name.slice(prefix.length, name.lastIndexOf('#'))
      counts.set(className, (counts.get(className) ?? 0) + 1)
    }
    const children = new Map<string, ProcessRow>()
    let after: string | undefined
    do {
      const page = await this.#store.list({ parent: row.pid, limit: PAGE, after })
      for (const child of page.rows) {
        children.set(child.pid, child)
        counts.set(child.className, (counts.get(child.className) ?? 0) + 1)
      }
      after = page.next
    } while (after !== undefined)
    // Each child has its place by its class and count; of several in one place, the last one is that of the last attempt.
    const tries = Math.max(0, seq - (step.pid === row.pid ? step.number : 0))
    for (const [className, most] of counts) {
      for (let count = 1; count <= most; count++) {
        for (let generation = tries; generation >= 0; generation--) {
          const child = children.get(childPid({ parent: row.pid, step, className, count, generation }))
          if (child === undefined) continue
          const name = recordPart(launchEntry(className, count))
          if (child.successful !== false) entries[name] = JSON.stringify({ pid: child.pid })
          break
        }
      }
    }
    return entries
  }
}

/** Stands for an entry that is to be left out. */
const GONE = ''

interface Again {
  readonly pid: string
  readonly writes: readonly Create[]
}

interface Others {
  /** By the pid of the old one. */
  readonly others: ReadonlyMap<string, Again>
  /** Those that have not ended. */
  readonly living: ReadonlySet<string>
}

interface StepKey {
  readonly pid: string
  readonly number: number
}

/** The state from which the new process goes on, with a fresh budget of attempts, and what names its step if one is to run. */
function againFrom(
  state: JsonObject,
  pid: string,
  seq: number,
): { readonly state: JsonObject; readonly step: StepKey | undefined } {
  const { retry } = state
  if (state['label'] === 'waiting' && isJsonObject(retry)) {
    return running({ label: 'running', step: state['step'] ?? null, ...fresh(retry) }, pid, seq)
  }
  const rest = fresh(state)
  return rest['label'] === 'running' ? running(rest, pid, seq) : { state: rest, step: undefined }
}

/** Without what is said of attempts before. */
function fresh(facts: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(facts).filter(([name]) => name !== 'attempt' && name !== 'failure'),
  )
}

function running(
  state: JsonObject,
  pid: string,
  seq: number,
): { readonly state: JsonObject; readonly step: StepKey } {
  const number = typeof state['number'] === 'number' ? state['number'] : seq
  const origin = typeof state['origin'] === 'string' ? state['origin'] : pid
  return { state: { ...state, number, origin }, step: { pid: origin, number } }
}

function replaced(state: JsonObject, { others }: Others): JsonObject {
  const changed: Record<string, JsonValue> = { ...state }
  for (const key of ['on', 'ended'] as const) {
    const awaits = state[key]
    if (!isJsonObject(awaits)) continue
    changed[key] = { ...awaits, pids: pidsIn(state, key).map((pid) => others.get(pid)?.pid ?? pid) }
  }
  return changed
}

/** A step that was begun with the ends of processes waits for those that have not ended now, and is then begun as it was. */
function waitingAgain(state: JsonObject, { others, living }: Others): JsonObject {
  const { label, step, at, ...facts } = state
  const { ended } = facts
  if (label !== 'running' || !isJsonObject(ended)) return state
  const begun = new Set([...others.values()].map(({ pid }) => pid))
  const pids = pidsIn(state, 'ended')
  const left = pids.filter((pid) => begun.has(pid) || living.has(pid))
  if (left.length === 0 || (ended['any'] === true && left.length < pids.length)) return state
  const place = at !== undefined && { at }
  return {
    label: 'waiting',
    step: step ?? null,
    message: `waits for ${left.length === 1 ? `process ${left[0]}` : `${left.length} processes`} again`,
    on: ended,
    ...place,
    retry: { ...facts, ...place, attempt: 1, failure: 'what it waited for has failed' },
  }
}

/** What the new process waits for, where it is created waiting: what the old one waited for. */
function waitOf(state: JsonObject): WaitFor | null {
  if (state['label'] !== 'waiting') return null
  const { on, retry, into, receive, until } = state
  return {
    resume: retry === undefined && into === undefined,
    signal: typeof receive === 'string' ? receive : null,
    until: typeof until === 'number' ? until : null,
    on: pidsIn(state, 'on'),
    any: isJsonObject(on) && on['any'] === true,
  }
}

/** Where it is, for people: the place in its outline, or its step. */
function placeIn(state: JsonObject): string | null {
  if (state['label'] === 'created') return 'run'
  const place = state['at'] ?? state['step']
  return typeof place === 'string' ? place : null
}

function pidsIn(state: JsonObject, key: 'on' | 'ended'): readonly string[] {
  const awaits = state[key]
  return isJsonObject(awaits) ? arrayOf(awaits['pids']).filter((pid) => typeof pid === 'string') : []
}

function arrayOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]) : []
}

function parsed(text: string, pid: string): JsonObject {
  try {
    const state: unknown = JSON.parse(text)
    if (isJsonObject(state)) return state
  } catch (error) {
    throw damaged(pid, error)
  }
  throw damaged(pid)
}

function damaged(pid: string, cause?: unknown): IncompatibleBundle {
  return new IncompatibleBundle(`the last state of process ${pid} is damaged, so it can't be restarted`, {
    cause,
  })
}
