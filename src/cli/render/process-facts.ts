import { type Codec, isTerminal, type ProcessState } from '../../index.ts'
import { outputsOf } from '../../client/handle/outcome.ts'
import { summary } from '../../client/read/summary.ts'
import { inParentheses } from '../../client/read/wording.ts'
import type { Pending } from '../../persistence/contract/control.ts'
import type { StoredProcess } from '../../persistence/contract/rows.ts'
import type { Parts } from '../../persistence/contract/writes.ts'
import { readEnd, type SavedEnd } from '../../process/state/saved-state.ts'
import { setAt } from '../../shared/own.ts'
import { facts, pretty } from './output.ts'
import { positionBefore, roundsIn, stepIn } from './position.ts'
import { stateText } from './state-text.ts'
import { ago } from './time.ts'
import { countText } from './tree-text.ts'
import { waitText } from './wait-text.ts'

/** What stands beside a process in its store. */
export interface Surroundings {
  readonly pending: Pending
  /** Its children of each state. */
  readonly children: Readonly<Record<ProcessState, number>>
  /** How often its step is tried at most, where it has failed and that is known. */
  readonly attempts: number | undefined
}

/** A process in words: what its row says, what it waits for, its inputs and outputs, and how it ended. */
export function inWords(stored: StoredProcess, around: Surroundings, codec: Codec, now: number): string {
  const { row } = stored
  const one = summary(row, now)
  const time = (at: number | null): string | null => {
    if (at === null) return null
    const text = new Date(at).toISOString()
    return at > now ? `${text} (in ${ago(new Date(now), at)})` : `${text} (${ago(new Date(at), now)} ago)`
  }
  const asked = [
    row.pauseRequested && `pause${inParentheses(row.pauseRequested.message)}`,
    row.killRequested && `kill${inParentheses(row.killRequested.message)}`,
  ].filter((order) => order !== null)
  const { pending, children, attempts } = around
  return facts([
    ['pid', row.pid],
    ['class', `${row.className}, version ${row.version}`],
    ['state', stateText(one.state)],
    ...positionFacts(stored),
    ['attempt', row.attempt > 1 ? `${row.attempt}${attempts === undefined ? '' : ` of ${attempts}`}` : null],
    ['waits', waitText(one, now, pending.on)?.replace(/^waits /, '')],
    ['waits for', pending.on.length > NAMED ? null : pending.on.join('\n')],
    ['kept for it', keptText(pending)],
    ['done in step', recordText(stored)],
    ['deadline', time(row.deadline)],
    ['status', row.status],
    ['paused', row.paused?.message],
    ['parked', row.parked],
    ['asked for', asked.join(', ')],
    ['label', row.label],
    ['key', row.key],
    ['parent', row.parent && `${row.parent}${row.abandoned ? ', which has abandoned it' : ''}`],
    ['children', Object.values(children).some((count) => count > 0) ? countText(children) : null],
    ['made from', row.origin && `${row.origin.pid}, by ${row.origin.kind}`],
    ['engine', row.owner],
    ['crashes', row.crashes > 0 ? String(row.crashes) : null],
    ['created', time(row.createdAt)],
    ['updated', time(row.updatedAt)],
    ['ended', time(row.endedAt)],
    ['exit code', row.exitCode && `${row.exitCode.code} ${row.exitCode.label}: ${row.exitCode.message}`],
    ['message', row.state === 'waiting' ? null : row.message],
    ...values(stored, codec),
  ])
}

/** Processes that are named, of those that it waits for. */
const NAMED = 10

/** Its step, and where that stands in an outline. */
function positionFacts(stored: StoredProcess): [string, string | null][] {
  const { row } = stored
  if (isTerminal(row.state)) return [['ended in', positionBefore(stored)]]
  if (row.step === null) return []
  const step = stepIn(row.step)
  return [
    ['step', step],
    ['position', step === row.step ? null : row.step],
    ['loop', roundsIn(row.step).join(', ')],
  ]
}

/** What is kept and has not been used: `2 signals approval, a resume`. */
function keptText({ mail }: Pending): string {
  const counts = new Map<string, number>()
  for (const { by, name } of mail) {
    const kind = by === 'resume' ? 'resume' : `signal ${name}`
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  return Array.from(counts, ([kind, count]) => (count === 1 ? kind : `${kind} (${count} times)`)).join(', ')
}

/** What the step that has not ended, or that failed, has done by name: `effect charge, sleep cool down`. */
function recordText(stored: StoredProcess): string {
  return stored
    .bundle()
    .recordNames.map((entry) => entry.replace(':', ' '))
    .join(', ')
}

/** What a process was given and ended with, decoded. */
function values(stored: StoredProcess, codec: Codec): [string, string | undefined][] {
  const { parts } = stored.bundle()
  const end = readable(() => readEnd(parts, (text) => codec.parse(text, 'state'))) as SavedEnd
  const inputs = readable(() => codec.parse(parts['parsed'] ?? parts['inputs'] ?? '{}', 'inputs'))
  const outputs = readable(() => outputsOf(stored.bundle().parts, codec))
  const told: [string, string | undefined][] = [
    ['inputs', pretty(inputs)],
    ['outputs', pretty(outputs)],
  ]
  if (end.result !== undefined) told.push(['result', pretty(end.result)])
  if (end.error !== undefined) told.push(['error', pretty(end.error)])
  return told
}

/** A value, or why it can't be read here: it may be of a type that only the user's program knows. */
function readable(read: () => unknown): unknown {
  try {
    return read()
  } catch (error) {
    return { unreadable: error instanceof Error ? error.message : error }
  }
}

/** A process for programs. Values are in the form in which they are saved: plain JSON as it is, else `{ "$": kind, … }`. */
export function inJson(stored: StoredProcess): object {
  const { row } = stored
  const { parts } = stored.bundle()
  const date = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString())
  const end = readEnd(parts, parse)
  return {
    pid: row.pid,
    class: row.className,
    version: row.version,
    state: row.state,
    successful: row.successful,
    step: row.step,
    attempt: row.attempt,
    waits: row.wait && { ...row.wait, until: date(row.wait.until), inStep: row.inStep },
    status: row.status,
    paused: row.paused,
    parked: row.parked,
    pauseRequested: row.pauseRequested,
    killRequested: row.killRequested,
    label: row.label,
    key: row.key,
    parent: row.parent,
    abandoned: row.abandoned,
    origin: row.origin,
    deadline: date(row.deadline),
    engine: row.owner,
    crashes: row.crashes,
    created: date(row.createdAt),
    updated: date(row.updatedAt),
    ended: date(row.endedAt),
    exitCode: row.exitCode,
    message: row.message,
    inputs: parse(parts['parsed'] ?? parts['inputs']),
    outputs: outputsInJson(parts),
    result: end.result ?? null,
    error: end.error ?? null,
    record: stored.bundle().recordNames,
  }
}

function outputsInJson(parts: Parts): Record<string, unknown> {
  const outputs: Record<string, unknown> = {}
  for (const [part, text] of Object.entries(parts)) {
    if (part.startsWith('out:')) setAt(outputs, part.slice('out:'.length), JSON.parse(text))
  }
  return outputs
}

function parse(text = '{}'): Record<string, unknown> {
  return JSON.parse(text) as Record<string, unknown>
}
