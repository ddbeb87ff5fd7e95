import type { Codec } from '../bundle/codec.ts'
import { outputsOf, stateInfo } from '../client/ending.ts'
import type { Parts, StoredProcess } from '../persistence/store.ts'
import { setOutput } from '../process/outputs.ts'
import { facts, pretty } from './output.ts'
import { stateText } from './state-text.ts'
import { ago } from './time.ts'

/** A process in words: what its row says, its inputs and outputs, and how it ended. */
export function inWords(stored: StoredProcess, codec: Codec): string {
  const { row } = stored
  const time = (at: number | null): string | null =>
    at === null ? null : `${new Date(at).toISOString()} (${ago(new Date(at))} ago)`
  const asked = [
    row.pauseRequested && `pause${because(row.pauseRequested.message)}`,
    row.killRequested && `kill${because(row.killRequested.message)}`,
  ].filter((one) => one !== null)
  return facts([
    ['pid', row.pid],
    ['class', `${row.className}, version ${row.version}`],
    ['state', stateText(stateInfo(row, Date.now()))],
    ['step', row.step],
    ['status', row.status],
    ['paused', row.paused?.message],
    ['parked', row.parked],
    ['asked for', asked.join(', ')],
    ['label', row.label],
    ['key', row.key],
    ['parent', row.parent],
    ['engine', row.owner],
    ['crashes', row.crashes > 0 ? String(row.crashes) : null],
    ['created', time(row.createdAt)],
    ['updated', time(row.updatedAt)],
    ['ended', time(row.endedAt)],
    ['exit code', row.exitCode && `${row.exitCode.code} ${row.exitCode.label}: ${row.exitCode.message}`],
    ['message', row.message],
    ...values(stored, codec),
  ])
}

function because(message: string | null): string {
  return message === null ? '' : ` (${message})`
}

/** What a process was given and ended with, decoded. */
function values(stored: StoredProcess, codec: Codec): [string, string | undefined][] {
  const { parts } = stored.bundle()
  const state = readable(() => codec.parse(parts['state'] ?? '{}', 'state')) as Record<string, unknown>
  const inputs = readable(() => codec.parse(parts['parsed'] ?? parts['inputs'] ?? '{}', 'inputs'))
  const outputs = readable(() => outputsOf(stored.bundle(), codec))
  const told: [string, string | undefined][] = [
    ['inputs', pretty(inputs)],
    ['outputs', pretty(outputs)],
  ]
  if (state['result'] !== undefined) told.push(['result', pretty(state['result'])])
  if (state['error'] !== undefined) told.push(['error', pretty(state['error'])])
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
  const state = parse(parts['state'])
  return {
    pid: row.pid,
    class: row.className,
    version: row.version,
    state: row.state,
    successful: row.successful,
    step: row.step,
    status: row.status,
    paused: row.paused,
    parked: row.parked,
    pauseRequested: row.pauseRequested,
    killRequested: row.killRequested,
    label: row.label,
    key: row.key,
    parent: row.parent,
    engine: row.owner,
    crashes: row.crashes,
    created: date(row.createdAt),
    updated: date(row.updatedAt),
    ended: date(row.endedAt),
    exitCode: row.exitCode,
    message: row.message,
    inputs: parse(parts['parsed'] ?? parts['inputs']),
    outputs: outputsInJson(parts),
    result: state['result'] ?? null,
    error: state['error'] ?? null,
  }
}

function outputsInJson(parts: Parts): Record<string, unknown> {
  const outputs: Record<string, unknown> = {}
  for (const [part, text] of Object.entries(parts)) {
    if (part.startsWith('out:')) setOutput(outputs, part.slice('out:'.length), JSON.parse(text))
  }
  return outputs
}

function parse(text = '{}'): Record<string, unknown> {
  return JSON.parse(text) as Record<string, unknown>
}
