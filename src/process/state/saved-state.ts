import type { BundleParts } from '../../bundle/bundle.ts'
import type { Codec } from '../../bundle/codec.ts'
import { record } from '../../bundle/memory-part.ts'
import { preview } from '../../ports/plain.ts'
import { IncompatibleBundle, SerializationError } from '../../shared/errors.ts'
import { getOwn } from '../../shared/own.ts'
import { errorText, type StateData } from './state-data.ts'
import { droppedError, type Dropped } from './dropped.ts'
import { ProcessState } from './process-state.ts'

/*
 * The one reader and writer of the part `state` of a bundle.
 *
 * The part is read in two ways. `decodeState` decodes the values in it, which needs the classes
 * that the process uses. `parseState` leaves the values (arguments, data, results) in the form in
 * which the codec saved them, so that a client without those classes can restart a process.
 */

/** The `state` part, without the state itself. */
export interface StateExtras {
  /** Wake-ups that are kept for waits to come. */
  readonly resumes?: readonly unknown[]
  /** Signals that are kept, of a process that is in no store. */
  readonly signals?: readonly { readonly name: string; readonly value: unknown }[]
  /** What could not be saved of a process that ended for that reason, or was killed. */
  readonly unsaved?: readonly string[]
}

type Check = readonly [fits: (value: unknown) => boolean, what: string]
/**
 * What is known of the keys of an object. Those that end in `?` may be missing. Keys that are not
 * named are kept as they are.
 */
type Shape = Readonly<Record<string, Check>>

const isText = (value: unknown): boolean => typeof value === 'string'
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0
const isListOf = (fits: (value: unknown) => boolean) => (value: unknown) =>
  Array.isArray(value) && value.every(fits)
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isLike = (shape: Shape) => (value: unknown) => isObject(value) && problemOf(value, shape) === undefined

const text: Check = [isText, 'a text']
const list: Check = [Array.isArray, 'a list']
const count: Check = [isCount, 'a whole number']
const flag: Check = [(value) => typeof value === 'boolean', 'true or false']
const yes: Check = [(value) => value === true, 'true']

const awaits: Check = [
  isLike({
    pids: [isListOf(isText), 'pids'],
    as: [(value) => value === 'one' || value === 'list' || isListOf(isText)(value), 'a shape'],
    any: flag,
  }),
  '{ pids, as, any }',
]
const dropped: Check = [
  isLike({ at: [(value) => typeof value === 'number', 'a time'], why: text }),
  '{ at, why }',
]
const into: Check = [
  isListOf(isLike({ key: text, 'append?': yes, 'allowFailure?': yes, 'outputs?': yes })),
  'a list of { key, append?, allowFailure?, outputs? }',
]
const facts: Shape = {
  args: list,
  'woken?': yes,
  'at?': text,
  'onward?': yes,
  'number?': count,
  'origin?': text,
  'attempt?': count,
  'ended?': awaits,
  'into?': into,
}

const shapes: Readonly<Record<ProcessState, Shape>> = {
  created: {},
  running: { ...facts, step: text, 'failure?': text },
  waiting: {
    step: [(value) => value === null || isText(value), 'a text or null'],
    'message?': text,
    'receive?': text,
    'until?': [(value) => typeof value === 'number', 'a number'],
    'on?': awaits,
    'into?': into,
    'at?': text,
    'retry?': [isLike({ ...facts, attempt: count, failure: text }), '{ args, attempt, failure }'],
  },
  finished: {
    successful: flag,
    'exitCode?': [
      isLike({ code: [Number.isInteger, 'a number'], label: text, message: text }),
      '{ code, label, message }',
    ],
    'message?': text,
    'dropped?': dropped,
  },
  excepted: { 'dropped?': dropped },
  killed: { 'message?': text, 'dropped?': dropped },
}

const extras: Shape = {
  'resumes?': list,
  'signals?': [isListOf(isLike({ name: text })), 'a list of { name, value }'],
  'unsaved?': [isListOf(isText), 'a list of strings'],
}

/** The state part as JSON: the values in it are in the form in which the codec saved them. */
export type SavedState = StateData & StateExtras

/** The state part of a new process. */
export const CREATED_STATE = stateText({ label: 'created' })
/** The state part of a new process whose inputs have not been validated. */
export const UNCHECKED_STATE = JSON.stringify({ label: 'created', unchecked: true })
/**
 * As `UNCHECKED_STATE`, for inputs in the form in which another process of the class saved them.
 */
export const RESUBMITTED_STATE = JSON.stringify({ label: 'created', resubmitted: true })

/** The state part of a process that is killed in the store, if no engine runs it. */
export function killedStateText(message: string | null): string {
  return stateText({ label: 'killed', message: message ?? undefined })
}

/** The object in the text of a part `state`, its values in saved form; undefined if it is damaged. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/**
 * The part `state`, with its values decoded.
 *
 * @throws IncompatibleBundle if it is damaged or its types are not registered here
 */
export function decodeState(
  parts: BundleParts,
  codec: Codec,
): { readonly state: StateData; readonly extras: StateExtras } {
  const value: unknown = codec.parse(parts['state'] ?? 'null', 'state')
  requireState(value)
  const { resumes, signals, unsaved, ...state } = value
  return { state, extras: { resumes, signals, unsaved } as StateExtras }
}

/**
 * The text of the part `state`. An error that can't be saved is replaced by a plain one with its
 * text and stack.
 *
 * @throws SerializationError naming what can't be saved (C10)
 */
export function encodeState(
  state: StateData,
  { unsaved = [], ...extras }: StateExtras,
  codec: Codec,
): string {
  const note = (texts: readonly string[]): StateExtras => (texts.length > 0 ? { unsaved: texts } : {})
  const known = withoutUndefined(state)
  try {
    const saved = { ...known, ...extras, ...note(unsaved) }
    return state.label === 'excepted'
      ? codec.stringifyFailure(saved, 'state')
      : codec.stringify(saved, 'state')
  } catch (error) {
    if (state.label !== 'excepted' || !(error instanceof SerializationError)) throw error
    const { resumes: _, ...rest } = extras
    const plain = new Error(errorText(state.error))
    if (state.error instanceof Error) plain.stack = String(state.error.stack)
    const saved = { ...known, error: plain, ...rest, ...note([...unsaved, error.message]) }
    return codec.stringify(saved, 'state')
  }
}

/**
 * The state of the text of a part `state`, its values in saved form.
 *
 * @throws IncompatibleBundle if it is damaged
 */
export function parseState(text: string): SavedState {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw damaged('it is not JSON', error)
  }
  requireState(value)
  return value
}

/** The text of the part `state` for a state whose values are in saved form. */
export function stateText(state: SavedState): string {
  return JSON.stringify(state)
}

/**
 * The text of the part `state` of an ended process once its result was dropped.
 *
 * @throws IncompatibleBundle if the part is damaged
 */
export function droppedStateText(text: string, dropped: Dropped): string {
  const { result: _, ...state } = { result: undefined, ...parseState(text) }
  return JSON.stringify({ ...state, dropped })
}

/** When and why the result of a process was dropped; undefined if it was not. */
export function droppedOf(parts: BundleParts): Dropped | undefined {
  const { state = '' } = parts
  // Most states need not be parsed for this.
  if (!state.includes('"dropped":')) return undefined
  const saved = parseState(state)
  return 'dropped' in saved ? saved.dropped : undefined
}

/** @throws MissingResult if the result and the outputs of the process were dropped */
export function requireKept(parts: BundleParts, pid: string, className: string): void {
  const dropped = droppedOf(parts)
  if (dropped !== undefined) throw droppedError(pid, className, dropped)
}

/** The result or error in the state of an ended process. */
export interface SavedEnd {
  readonly result?: unknown
  /** Set if the result and the outputs were dropped. */
  readonly dropped?: Dropped
  readonly error?: unknown
  /** Whether it never started, because a process that it needed failed. */
  readonly upstream?: true
  /** The dotted names of the required outputs that were never emitted. */
  readonly missing?: readonly string[]
}

/**
 * Reads the result or error in the part `state` of an ended process. `parse` decodes the values or
 * leaves them in saved form.
 *
 * @throws IncompatibleBundle if it is damaged
 */
export function readEnd(parts: BundleParts, parse: (text: string) => unknown): SavedEnd {
  return record(parse(parts['state'] ?? '{}'), 'state')
}

/** @throws IncompatibleBundle if a value is not what the part `state` holds */
function requireState(value: unknown): asserts value is SavedState {
  if (!isObject(value)) throw damaged(`it should be an object, and is ${preview(value)}`)
  const label = value['label']
  if (typeof label !== 'string' || !Object.hasOwn(shapes, label)) {
    throw damaged(label === undefined ? 'it has no label' : `there is no state ${preview(label)}`)
  }
  const problem = problemOf(value, shapes[label as ProcessState]) ?? problemOf(value, extras)
  if (problem !== undefined) throw damaged(problem)
}

/** A state as it is saved: without what is undefined. */
function withoutUndefined(state: StateData): Record<string, unknown> {
  const known: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(state)) if (value !== undefined) known[name] = value
  return known
}

function problemOf(value: Readonly<Record<string, unknown>>, shape: Shape): string | undefined {
  for (const name in shape) {
    const [fits, what] = shape[name] as Check
    const isOptional = name.endsWith('?')
    const key = isOptional ? name.slice(0, -1) : name
    const given = getOwn(value, key)
    if (given === undefined && isOptional) continue
    if (!fits(given)) return `its ${key} should be ${what}, and is ${preview(given)}`
  }
  return undefined
}

function damaged(what: string, cause?: unknown): IncompatibleBundle {
  return new IncompatibleBundle(`state: damaged, ${what}`, cause === undefined ? undefined : { cause })
}
