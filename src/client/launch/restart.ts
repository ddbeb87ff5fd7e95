import type { BundleParts } from '../../bundle/bundle.ts'
import { recordPart } from '../../bundle/bundle.ts'
import { eventData } from '../../persistence/contract/event-codec.ts'
import type { ProcessRow, StoredProcess } from '../../persistence/contract/rows.ts'
import type { Store } from '../../persistence/contract/store.ts'
import type { Adoption, Create } from '../../persistence/contract/writes.ts'
import { changed, created, ended, resubmitted, notRestarted } from './resubmit.ts'
import { upstreamOf } from './upstream.ts'
import { CheckpointNotFound } from '../../shared/errors.ts'
import { newPid } from '../../shared/ids.ts'
import { conditionsOf, placeOf } from '../../process/state/state-data.ts'
import { droppedOf, requireKept, stateText, type SavedState } from '../../process/state/saved-state.ts'
import { findLastEntry } from '../read/history.ts'
import { changeProcess, type WantedChange } from '../write/edits.ts'
import { LaunchIds, launchEntry, type StepKey } from './child-pid.ts'
import { childrenOf, earlierChildren } from './earlier-children.ts'
import {
  awaitedIn,
  continuationOf,
  lastState,
  waitingAgain,
  withNewPids,
  type Referenced,
  type Restarted,
} from './restart-state.ts'

/*
 * The writes that restart or resubmit an ended process.
 *
 * 1. A restarted process is a new process. It starts with the data of the old one at the
 *    checkpoint, and with the record of the failed step. Effects keep their keys, so that no
 *    recorded effect is repeated (C6).
 * 2. The step may have launched processes, and the state may refer to others. Processes that
 *    succeeded stay as they are. Processes that failed are restarted too.
 * 3. Children that have not ended become children of the new process in the same commit, so that
 *    its pauses, plays and kills reach them (C7).
 * 4. Two processes that are restarted from the same one share nothing that changes. A live child
 *    goes to the first restart. The second restart launches a new child. What was launched after
 *    the checkpoint stays with the old process.
 * 5. The old process does not change.
 * 6. The new process keeps the values of the processes that it refers to from being dropped, from the commit
 *    that creates it on.
 */

/** A saved point from which a process can continue. */
interface Point {
  readonly version: number
  readonly status: string | null
  /** The sequence number of the commit that led there. */
  readonly seq: number
  readonly state: string
  readonly parts: BundleParts
  /**
   * The commit of the checkpoint. Children launched after it are not taken over. Undefined for the
   * last point.
   */
  readonly commit?: number
}

/** How the new process differs from the last state of the old one. */
export interface RestartFrom {
  /** The tag of the checkpoint to continue from; undefined for the last step before the end. */
  readonly from?: string | undefined
  /** Changes of its context and arguments. */
  readonly changes: readonly WantedChange[]
}

/**
 * Returns the writes that restart a process. They must be made in one commit. The last one creates
 * the new process itself.
 *
 * @throws ProcessLost if the store has no such process
 * @throws InvalidStateError for a process that has not ended
 * @throws CheckpointNotFound if there is no checkpoint to restart from
 * @throws MissingResult if its result was dropped
 */
export async function restartWrites(
  store: Store,
  pid: string,
  { from, changes }: RestartFrom,
  now: number,
): Promise<readonly Create[]> {
  const stored = await ended(store, pid)
  const { actor, mailbox } = stored.row
  if (actor !== null || mailbox !== null) throw notRestarted(stored.row)
  requireKept(stored.bundle().parts, pid, stored.row.className)
  const point = from === undefined ? lastPoint(stored) : await taggedPoint(store, pid, from)
  const { parent } = stored.row
  const above = parent === null ? undefined : await store.read(parent)
  const under = above !== undefined && lives(above) ? parent : null
  const writes = await new Restart(store, now).writes(stored, point, under)
  const own = writes.pop() as Create
  return [...writes, changes.length === 0 ? own : changed(own, changeProcess(own.parts, changes))]
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
      ? `process ${row.pid} finished successfully, and keeps no checkpoint to be restarted from; resubmit launches a new process with its inputs`
      : `process ${row.pid} has no checkpoint to be restarted from; resubmit launches a new process with its inputs`,
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
  const kept = await findLastEntry(
    store,
    pid,
    (entry) => entry.name === 'checkpoint' && eventData(entry, 'checkpoint').tag === tag,
  )
  return {
    version: head.version,
    status: head.status ?? null,
    seq: head.seq,
    state: parts['state'] ?? '{}',
    parts,
    ...(kept !== undefined && { commit: kept.commit }),
  }
}

class Restart {
  readonly #store: Store
  readonly #now: number
  /** The unfinished children that the new processes take over. */
  readonly #adopts: Adoption[] = []

  constructor(store: Store, now: number) {
    this.#store = store
    this.#now = now
  }

  /**
   * Returns the writes. The last one adopts all unfinished children, so that it is refused if any
   * of them has changed meanwhile.
   */
  async writes(stored: StoredProcess, point: Point, parent: string | null): Promise<Create[]> {
    const writes = await this.#writes(stored, point, parent)
    const own = writes.pop() as Create
    return [...writes, this.#adopts.length === 0 ? own : { ...own, adopts: this.#adopts }]
  }

  async #writes(stored: StoredProcess, point: Point, parent: string | null): Promise<Create[]> {
    const { row } = stored
    const pid = newPid()
    const children = await this.#children(row.pid, point)
    const refers = new Set<string>()
    for (const child of children.values())
      if (lives(child)) this.#adopts.push({ pid: child.pid, from: row.pid, parent: pid })
    const { state, step } = continuationOf(lastState(point.state, row.pid), row.pid, point.seq)
    const referenced = await this.#referenced(state, row.pid, pid, refers)
    const next = waitingAgain(withNewPids(state, referenced), referenced)
    const entries = step === undefined ? {} : await this.#launched(row, step, point, children, refers)
    const parts: Record<string, string> = { ...point.parts, ...entries, state: stateText(next) }
    // Failed children are launched again, so the record must not name them.
    for (const name in parts) if (parts[name] === GONE) delete parts[name]
    const own: Create = {
      ...created(row, pid, parent, { pid: row.pid, kind: 'restart' }, this.#now),
      version: point.version,
      status: point.status,
      state: next.label,
      step: placeOf(next),
      parts,
      wait: conditionsOf(next),
      // A process that had not started takes its values again.
      upstream: next.label === 'created' ? upstreamOf(parts, this.#now) : null,
      ...(refers.size > 0 && { refers: [...refers] }),
    }
    return [...[...referenced.restarted.values()].flatMap(({ writes }) => writes), own]
  }

  /**
   * Restarts the failed processes that the state refers to, as children of the new process. A child
   * that another restart has taken over is resubmitted instead, and so is a process whose result was
   * dropped. `refers` gets the others that have ended.
   */
  async #referenced(
    state: SavedState,
    old: string,
    parent: string,
    refers: Set<string>,
  ): Promise<Referenced> {
    const restarted = new Map<string, Restarted>()
    const living = new Set<string>()
    const into = 'into' in state ? state.into : undefined
    for (const [index, pid] of awaitedIn(state).entries()) {
      if (restarted.has(pid) || living.has(pid)) continue
      const stored = await this.#store.load(pid)
      if (stored?.row.endedAt === null) {
        if (await this.#isTaken(stored.row, old)) {
          const write = resubmitted(stored, parent, this.#now)
          restarted.set(pid, { pid: write.pid, writes: [write] })
        } else living.add(pid)
        continue
      }
      if (stored !== undefined && isDropped(stored)) {
        const write = resubmitted(stored, parent, this.#now)
        restarted.set(pid, { pid: write.pid, writes: [write] })
        continue
      }
      // The process accepts the failure and continues with it.
      const isAccepted = into?.[index]?.allowFailure === true
      if (isAccepted || stored?.row.successful !== false || stored.before() === undefined) {
        if (stored !== undefined) refers.add(pid)
        continue
      }
      const writes = await this.#writes(stored, lastPoint(stored), parent)
      restarted.set(pid, { pid: (writes.at(-1) as Create).pid, writes })
    }
    return { restarted, living }
  }

  /** Whether a process was a child of `old` until another restart took it over. */
  async #isTaken({ parent }: ProcessRow, old: string): Promise<boolean> {
    if (parent === old) return false
    let above = parent
    while (above !== null) {
      const origin = (await this.#store.read(above))?.origin
      if (origin?.kind !== 'restart') return false
      if (origin.pid === old) return true
      above = origin.pid
    }
    return false
  }

  /** The children that a process had at a point. */
  async #children(parent: string, { commit }: Point): Promise<ReadonlyMap<string, ProcessRow>> {
    const children = new Map<string, ProcessRow>()
    for (const child of await childrenOf(this.#store, parent)) {
      const [creation] = commit === undefined ? [] : await this.#store.history(child.pid, { limit: 1 })
      const isLater = commit !== undefined && (creation?.commit ?? 0) > commit
      if (!isLater) children.set(child.pid, child)
    }
    return children
  }

  /**
   * Returns the record entries of the step's children that succeeded or have not ended. The new
   * step finds them by these entries. A child whose result was dropped is launched again. `refers` gets
   * those that have ended.
   */
  async #launched(
    row: ProcessRow,
    step: StepKey,
    { parts, seq }: Point,
    children: ReadonlyMap<string, ProcessRow>,
    refers: Set<string>,
  ): Promise<Record<string, string>> {
    const entries: Record<string, string> = {}
    const isUsable = async (child: ProcessRow): Promise<boolean> => {
      if (!didWell(child)) return false
      const [lifetime] = await this.#store.lifetimes([child.pid])
      if (lifetime?.dropped === true) return false
      refers.add(child.pid)
      return true
    }
    const prefix = recordPart('launch:')
    const ids = new LaunchIds()
    const inputsOf = async (pid: string): Promise<string | undefined> =>
      (await this.#store.load(pid))?.bundle().parts['inputs']
    for (const [name, text] of Object.entries(parts)) {
      if (!name.startsWith(prefix)) continue
      const { pid } = JSON.parse(text) as { readonly pid: string }
      const child = children.get(pid) ?? (await this.#store.read(pid))
      // Another restart of the same process may have taken the child over.
      const isKept =
        child !== undefined && ((lives(child) && child.parent === row.pid) || (await isUsable(child)))
      if (!isKept) entries[name] = GONE
      else if (name.includes('#')) {
        // Earlier releases named the entry by the class and a count.
        const { className } = child
        const id = ids.next({ step, branch: '', className, inputs: await inputsOf(pid) })
        entries[name] = GONE
        entries[recordPart(launchEntry(id))] = text
      }
    }
    const tries = Math.max(0, seq - (step.pid === row.pid ? step.number : 0))
    const earlier = await earlierChildren(row.pid, step, tries, [...children.values()], inputsOf)
    for (const [id, { row: child }] of earlier) {
      if (lives(child) || (await isUsable(child)))
        entries[recordPart(launchEntry(id))] = JSON.stringify({ pid: child.pid })
    }
    return entries
  }
}

function isDropped(stored: StoredProcess): boolean {
  return stored.row.endedAt !== null && droppedOf(stored.bundle().parts) !== undefined
}

function didWell({ endedAt, successful }: ProcessRow): boolean {
  return endedAt !== null && successful !== false
}

/** Whether a process has not ended and is not being killed. */
function lives({ endedAt, killRequested }: ProcessRow): boolean {
  return endedAt === null && killRequested === null
}

/** The text of a record entry that is to be removed. */
const GONE = ''
