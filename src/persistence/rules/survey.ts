import { isBackingOff } from '../../process/state/process-state.ts'
import type { ClassSurvey, ReadyKind, WaitCount, WaitKind } from '../contract/survey.ts'
import { workerOf, type Row } from './row.ts'

/** What a process waits for, if it is not ready, paused or parked, and runs no step. */
export function waitKind(row: Row): WaitKind {
  if (row.state !== 'waiting')
    return row.awaits === 'inputs' ? 'inputs' : row.actor === null ? 'start' : 'turn'
  if (isBackingOff({ state: row.state, attempt: row.attempt, inStep: row.in_step === 1 })) return 'attempt'
  if (row.calls !== null) return 'calls'
  if (row.receives !== null) return 'signal'
  if (row.awaits !== null) return 'processes'
  return row.due_at === null ? 'resume' : 'time'
}

/** The counts of a class, while they are added up. */
export type Counts = { -readonly [Name in keyof ClassSurvey]: ClassSurvey[Name] }

/**
 * The numbers of unfinished processes with the same class, version and label, by what they do and
 * wait for.
 */
export interface UnfinishedRow extends Pick<Row, 'class' | 'version' | 'worker'> {
  readonly n: number
  readonly parked: number
  readonly paused: number
  readonly gaveup: number
  readonly ready: number
  readonly running: number
  readonly wait: WaitKind | null
  /** The name of the signal that they wait for. */
  readonly name: string | null
  /** See `waitsForItself`: the message of a step that waits in memory names what it waits for. */
  readonly itself: number
  /** The last pid of those. */
  readonly itself_pid: string | null
}

/** The counts of classes by their names. */
export class SurveyCounts {
  readonly #classes = new Map<string, Counts>()
  readonly #waits = new Map<string, WaitCount>()

  of(className: string): Counts {
    let counts = this.#classes.get(className)
    if (counts === undefined) {
      counts = {
        className,
        ready: 0,
        running: 0,
        waiting: 0,
        paused: 0,
        parked: 0,
        succeeded: 0,
        killed: 0,
        failed: 0,
        failedLately: 0,
        gaveUp: 0,
        selfAwaiting: 0,
        selfAwaitingPid: null,
        readyKinds: [],
      }
      this.#classes.set(className, counts)
    }
    return counts
  }

  /** Adds the processes of a group that have not ended. */
  addUnfinished(row: UnfinishedRow): void {
    const counts = this.of(row.class)
    counts.parked += row.parked
    counts.paused += row.paused
    counts.gaveUp += row.gaveup
    counts.running += row.running
    if (row.itself_pid !== null) this.addSelfAwaiting(row.class, row.itself_pid, row.itself)
    if (row.wait !== null)
      this.addWaiting(row.class, row.wait, row.wait === 'signal' ? row.name : null, row.n)
    this.addReady(row.class, row, row.ready)
  }

  /** Adds processes that wait for themselves; `pid` is the last one of them. */
  addSelfAwaiting(className: string, pid: string, count: number): void {
    const counts = this.of(className)
    counts.selfAwaiting += count
    if (counts.selfAwaitingPid === null || counts.selfAwaitingPid < pid) counts.selfAwaitingPid = pid
  }

  /** Adds processes that are ready. */
  addReady(className: string, { version, worker }: Pick<Row, 'version' | 'worker'>, count: number): void {
    if (count === 0) return
    const counts = this.of(className)
    counts.ready += count
    const asked = workerOf({ worker })
    const isSame = (kind: ReadyKind): boolean => kind.version === version && kind.worker === asked
    const known = counts.readyKinds.find(isSame)
    const kind = { version, worker: asked, count: count + (known?.count ?? 0) }
    counts.readyKinds = [...counts.readyKinds.filter((one) => !isSame(one)), kind].toSorted(inOrder)
  }

  addWaiting(className: string, kind: WaitKind, name: string | null, count: number): void {
    this.of(className).waiting += count
    const key = `${kind} ${name ?? ''}`
    const before = this.#waits.get(key)
    this.#waits.set(key, { for: kind, name, count: count + (before?.count ?? 0) })
  }

  /** The most frequent waits first. */
  waits(): WaitCount[] {
    const named = ({ for: kind, name }: WaitCount): string => `${kind} ${name ?? ''}`
    return [...this.#waits.values()].toSorted((a, b) => b.count - a.count || (named(a) < named(b) ? -1 : 1))
  }

  sorted(): ClassSurvey[] {
    return [...this.#classes.values()].toSorted((a, b) => (a.className < b.className ? -1 : 1))
  }
}

function inOrder(a: ReadyKind, b: ReadyKind): number {
  return a.version - b.version || ((a.worker ?? '') < (b.worker ?? '') ? -1 : 1)
}
