import type { Create, WaitFor } from '../../persistence/contract/writes.ts'
import { IncompatibleBundle } from '../../shared/errors.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../shared/json.ts'

/*
 * The saved state from which a restarted process goes on, made of the one that the old process had.
 */

export interface Again {
  readonly pid: string
  readonly writes: readonly Create[]
}

export interface Others {
  /** By the pid of the old one. */
  readonly others: ReadonlyMap<string, Again>
  /** Those that have not ended. */
  readonly living: ReadonlySet<string>
}

export interface StepKey {
  readonly pid: string
  readonly number: number
}

/** The state from which the new process goes on, with a fresh budget of attempts, and what names its step if one is to run. */
export function againFrom(
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

export function replaced(state: JsonObject, { others }: Others): JsonObject {
  const changed: Record<string, JsonValue> = { ...state }
  for (const key of ['on', 'ended'] as const) {
    const awaits = state[key]
    if (!isJsonObject(awaits)) continue
    changed[key] = { ...awaits, pids: pidsIn(state, key).map((pid) => others.get(pid)?.pid ?? pid) }
  }
  return changed
}

/** A step that was begun with the ends of processes waits for those that have not ended now, and is then begun as it was. */
export function waitingAgain(state: JsonObject, { others, living }: Others): JsonObject {
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
export function waitOf(state: JsonObject): WaitFor | null {
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
export function placeIn(state: JsonObject): string | null {
  if (state['label'] === 'created') return 'run'
  const place = state['at'] ?? state['step']
  return typeof place === 'string' ? place : null
}

export function pidsIn(state: JsonObject, key: 'on' | 'ended'): readonly string[] {
  const awaits = state[key]
  return isJsonObject(awaits) ? arrayOf(awaits['pids']).filter((pid) => typeof pid === 'string') : []
}

export function arrayOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]) : []
}

export function parsed(text: string, pid: string): JsonObject {
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
