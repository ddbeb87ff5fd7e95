import { recordPart } from '../bundle/bundle.ts'
import type { Write } from '../persistence/contract/writes.ts'
import { ProcessState } from '../process/state/process-state.ts'

/** The commit at which a program crashes, given by its number or by what it writes. */
export type CrashPoint = CrashAtCommit | CrashAtWrite

interface CrashAt {
  /** Before the commit begins, or after it is durable but before it is acknowledged. */
  readonly when: 'before' | 'after'
}

/** A crash point by the number of a commit. */
export interface CrashAtCommit extends CrashAt {
  /** The number of the commit, counted from 1 for each program. */
  readonly commit: number
}

/** The commit with the `nth` write that matches all given conditions. */
export interface CrashAtWrite extends CrashAt {
  /**
   * The kind of write: `create` a process, `advance` it to its next state, `record` what its step
   * has done, store a `signal`, …
   */
  readonly write: Write['kind']
  /**
   * The state of the process after a `create`, `advance` or `record`. A record begins or ends a
   * wait inside a step.
   */
  readonly state?: ProcessState | undefined
  /**
   * The kind and name that a `record` adds to the record of the step, such as `effect:charge` or
   * `sleep:cool down#2`.
   */
  readonly entry?: string | undefined
  /** Which matching write, counted from 1. Default 1. */
  readonly nth?: number | undefined
}

type Kind = Write['kind']
const WRITES: Readonly<Record<Kind, true>> = {
  create: true,
  advance: true,
  record: true,
  request: true,
  edit: true,
  event: true,
  resume: true,
  signal: true,
  release: true,
  park: true,
  enforce: true,
  prune: true,
  complete: true,
  retain: true,
  unretain: true,
  purge: true,
  drop: true,
  calls: true,
}
const kinds: readonly unknown[] = Object.keys(WRITES)
const WITH_STATE: readonly unknown[] = ['create', 'advance', 'record']

/**
 * Returns a function that takes each commit of a program in order, and returns whether it is the
 * one.
 *
 * @throws RangeError for an invalid point
 */
export function isReached(point: CrashPoint): (writes: readonly Write[]) => boolean {
  check(point)
  let left = isByWrite(point) ? (point.nth ?? 1) : point.commit
  return (writes) => {
    if (left <= 0) return false
    left -= isByWrite(point) ? writes.filter((write) => fits(point, write)).length : 1
    return left <= 0
  }
}

function isByWrite(point: CrashPoint): point is CrashAtWrite {
  return 'write' in point && point.write !== undefined
}

function fits({ write: kind, state, entry }: CrashAtWrite, write: Write): boolean {
  if (write.kind !== kind || (state !== undefined && stateAfter(write) !== state)) return false
  return entry === undefined || (write.kind === 'record' && Object.hasOwn(write.parts, recordPart(entry)))
}

/** The state of the process after a write, if the write sets it. */
function stateAfter(write: Write): ProcessState | undefined {
  if (write.kind === 'create' || write.kind === 'advance') return write.state
  if (write.kind !== 'record' || write.waits === undefined) return undefined
  return write.waits === null ? 'running' : 'waiting'
}

function check(point: CrashPoint): void {
  const wrong = problemOf({ ...point })
  if (wrong !== undefined) throw new RangeError(`${JSON.stringify(point)} is not a crash point: ${wrong}`)
}

function problemOf(point: Readonly<Record<string, unknown>>): string | undefined {
  const { when, commit, write, state, entry, nth, ...others } = point
  const [other] = Object.keys(others)
  if (other !== undefined)
    return `there is no \`${other}\`: give when, and commit, or write, state, entry and nth`
  if (when !== 'before' && when !== 'after') return "`when` is 'before' or 'after'"
  if ((commit === undefined) === (write === undefined)) {
    return `give \`commit\`, counted from 1, or \`write\`: ${oneOf(kinds)}`
  }
  if (write === undefined) {
    const alone = state === undefined && entry === undefined && nth === undefined
    return isCount(commit) && alone
      ? undefined
      : '`commit` is a whole number from 1, and goes with `when` alone'
  }
  if (!kinds.includes(write)) return `\`write\` is ${oneOf(kinds)}`
  if (nth !== undefined && !isCount(nth)) return '`nth` is a whole number from 1'
  if (entry !== undefined && write !== 'record') return "`entry` goes with the write 'record'"
  if (state === undefined) return undefined
  if (!WITH_STATE.includes(write)) return `\`state\` goes with the writes ${WITH_STATE.join(', ')}`
  const states = Object.values<unknown>(ProcessState)
  return states.includes(state) ? undefined : `\`state\` is ${oneOf(states)}`
}

function oneOf(names: readonly unknown[]): string {
  return `${names.slice(0, -1).join(', ')} or ${String(names.at(-1))}`
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 1
}
