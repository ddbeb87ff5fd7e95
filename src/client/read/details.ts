import type { Codec } from '../../bundle/codec.ts'
import { record } from '../../bundle/memory-part.ts'
import type { Control } from '../../persistence/contract/control.ts'
import { eventData } from '../../persistence/contract/event-codec.ts'
import type { ProcessRow, StoredProcess } from '../../persistence/contract/rows.ts'
import { isTerminal } from '../../process/state/machine.ts'
import type { ProcessState } from '../../process/state/process-state.ts'
import type { Dropped } from '../../process/state/dropped.ts'
import { droppedOf, parseState, readEnd } from '../../process/state/saved-state.ts'
import { placeOf } from '../../process/state/state-data.ts'
import { DamsonError, IncompatibleBundle } from '../../shared/errors.ts'
import { isJsonObject, type JsonValue } from '../../shared/json.ts'
import { findLastEntry } from './history.ts'
import { outputsOf, type ValueParser } from './saved-outputs.ts'
import { successorsOf, type Successor } from './successors.ts'
import { summary, type ProcessSummary } from './summary.ts'

/** Everything that is stored about one process, as `client.inspect` returns it. */
export interface ProcessDetails extends ProcessSummary {
  /** The position or the step at which a process ended without success; null otherwise. */
  readonly endedIn: string | null
  /** The most attempts that the step gets, if it has failed before; null otherwise. */
  readonly attempts: number | null
  /** How the process ended, or the message of its wait. */
  readonly message: string | null
  /** Null unless the process is paused. */
  readonly paused: ProcessRow['paused']
  /** Why the process was parked; null unless it is. */
  readonly parked: string | null
  /** How often an engine died while it ran the process, since its last progress. */
  readonly crashes: number
  /** The pids of the processes that it waits for and that have not ended, 100 at most. */
  readonly awaited: readonly string[]
  /** The messages that are kept until the process uses them, oldest first, 100 at most. */
  readonly kept: readonly KeptMessage[]
  /** The processes that were restarted or resubmitted from it, newest first; 10 at most. */
  readonly successors: readonly Successor[]
  /** The number of its children in each state. */
  readonly children: Readonly<Record<ProcessState, number>>
  /** How many of its children are paused. */
  readonly pausedChildren: number
  /** What the unfinished or failed step has recorded by name, such as effects. */
  readonly recorded: readonly StepRecordName[]
  /** Inputs, context, arguments, outputs, result and error. Handles in them belong to this client. */
  readonly values: ProcessValues
  /** The same values in their saved form: plain JSON unchanged, other values as `{ "$": kind, … }`. */
  readonly saved: ProcessValues<JsonValue>
  /** When and why the result and the outputs were dropped; null if they were not. */
  readonly dropped: Dropped | null
  /** Why a value is missing: it is damaged, or its type is not registered here. */
  readonly unreadable: Readonly<Partial<Record<keyof ProcessValues, string>>>
}

/** A stored message that the process has not used yet. */
export interface KeptMessage {
  readonly by: 'resume' | 'signal'
  /** The name of the signal; null for a resume. */
  readonly name: string | null
}

/** The name of an entry in the record of a step. */
export interface StepRecordName {
  /** Such as `effect`, `sleep` or `receive`. */
  readonly kind: string
  readonly name: string
}

/** The values of a process. A value that it does not have is undefined. */
export interface ProcessValues<V = unknown> {
  readonly inputs?: V | undefined
  /** What a work chain keeps in `this.ctx`. */
  readonly ctx?: V | undefined
  /** The arguments of the running, next or failed step. */
  readonly args?: V | undefined
  /** The `data` of the `Wait`. */
  readonly data?: V | undefined
  /** The outputs committed so far, nested by their dotted names. */
  readonly outputs?: V | undefined
  /** What the last step returned. */
  readonly result?: V | undefined
  /** The error that the process excepted with. */
  readonly error?: V | undefined
}

/** Reads what the store has about a process. `now` is the time by the client's clock. */
export async function detailsOf(
  stored: StoredProcess,
  store: Control,
  codec: Codec,
  now: number,
): Promise<ProcessDetails> {
  const { row } = stored
  const { pid } = row
  const [pending, children, paused, successors, failed] = await Promise.all([
    store.pending(pid),
    store.count({ parent: pid }),
    store.count({ parent: pid, paused: true }),
    successorsOf(store, row, now),
    row.attempt > 1 ? findLastEntry(store, pid, ({ name }) => name === 'failed') : undefined,
  ])
  return {
    ...summary(row, now),
    endedIn: endedIn(stored),
    attempts: failed === undefined ? null : eventData(failed, 'failed').attempts,
    message: row.message,
    paused: row.paused,
    parked: row.parked,
    crashes: row.crashes,
    awaited: pending.on,
    kept: pending.mail.map(({ by, name }) => ({ by, name })),
    children,
    pausedChildren: Object.values(paused).reduce((sum, count) => sum + count, 0),
    successors,
    ...valuesOf(stored, codec),
  }
}

/** The value that the saved state of an ended process holds. */
const END_VALUES: Readonly<Partial<Record<ProcessState, 'result' | 'error'>>> = {
  finished: 'result',
  excepted: 'error',
}

/** Reads the values of a process one by one, so that one that can't be read does not hide the others. */
function valuesOf(
  stored: StoredProcess,
  codec: Codec,
): Pick<ProcessDetails, 'recorded' | 'values' | 'saved' | 'unreadable' | 'dropped'> {
  const unreadable: Partial<Record<keyof ProcessValues, string>> = {}
  const attempt = <T>(name: keyof ProcessValues, read: () => T): T | undefined => {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof DamsonError)) throw error
      unreadable[name] ??= error.message
      return undefined
    }
  }
  const bundle = attempt('inputs', () => stored.bundle())
  const dropped = bundle && attempt('result', () => droppedOf(bundle.parts))
  const read = ({ parse }: ValueParser): ProcessValues => {
    if (bundle === undefined) return {}
    const { parts } = bundle
    const value = END_VALUES[stored.row.state]
    const end = value && attempt(value, () => readEnd(parts, (text) => parse(text, 'state')))
    const last = isTerminal(stored.row.state) ? stored.before() : parts['state']
    return {
      inputs: attempt('inputs', () => parse(parts['parsed'] ?? parts['inputs'] ?? '{}', 'inputs')),
      ctx: attempt('ctx', () => record(parse(parts['memory'] ?? '{}', 'memory'), 'memory')['ctx']),
      ...attempt('args', () => stepValues(record(parse(last ?? '{}', 'state'), 'state'))),
      outputs: dropped === undefined ? attempt('outputs', () => outputsOf(parts, { parse })) : undefined,
      ...(end?.result !== undefined && { result: end.result }),
      ...(end?.error !== undefined && { error: end.error }),
    }
  }
  return {
    values: read({ parse: (text, path) => codec.parse(text, path) }),
    saved: read({ parse: parseJson }) as ProcessValues<JsonValue>,
    dropped: dropped ?? null,
    unreadable,
    recorded: (bundle?.recordNames ?? []).map((entry) => {
      const colon = entry.indexOf(':')
      return { kind: entry.slice(0, colon), name: entry.slice(colon + 1) }
    }),
  }
}

/** The arguments and the wait in a state. */
function stepValues(state: Readonly<Record<string, unknown>>): Pick<ProcessValues, 'args' | 'data'> {
  const { retry, data } = state
  const { args } = isJsonObject(retry) ? retry : state
  return {
    ...(Array.isArray(args) && args.length > 0 && { args }),
    ...(data !== undefined && { data }),
  }
}

/** Leaves values in the form in which they are saved. */
function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new IncompatibleBundle(`${path}: damaged, this is not JSON: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

/** Returns where an unsuccessful process was before it ended; null if that is damaged or not known. */
function endedIn(stored: StoredProcess): string | null {
  try {
    return placeOf(parseState(stored.before() ?? ''))
  } catch {
    return null
  }
}
