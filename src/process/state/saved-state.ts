import { preview } from '../../ports/plain.ts'
import { IncompatibleBundle } from '../../shared/errors.ts'
import { getOwn } from '../../shared/own.ts'
import type { StateData } from './state-data.ts'
import { ProcessState } from './process-state.ts'

/** What the `state` part holds beside the state itself. */
export interface Around {
  /** Wake-ups that are kept for waits to come. */
  readonly resumes?: readonly unknown[]
  /** Signals that are kept, of a process that is in no store. */
  readonly signals?: readonly { readonly name: string; readonly value: unknown }[]
  /** What could not be saved of a process that ended because of that, or was killed. */
  readonly unsaved?: readonly string[]
}

type Check = readonly [fits: (value: unknown) => boolean, what: string]
/** What is known of the keys of an object. Those that end in `?` may be missing. Keys that are not named are kept as they are. */
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
const into: Check = [
  isListOf(isLike({ key: text, 'append?': yes, 'allowFailure?': yes })),
  'a list of { key, append?, allowFailure? }',
]
const facts: Shape = {
  args: list,
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
  },
  excepted: {},
  killed: { 'message?': text },
}

const around: Shape = {
  'resumes?': list,
  'signals?': [isListOf(isLike({ name: text })), 'a list of { name, value }'],
  'unsaved?': [isListOf(isText), 'a list of texts'],
}

/**
 * The state of a bundle, from what its part `state` decodes to.
 *
 * @throws IncompatibleBundle where it is not what was saved
 */
export function readState(value: unknown): { readonly state: StateData; readonly around: Around } {
  if (!isObject(value)) throw damaged(`it should be an object, and is ${preview(value)}`)
  const label = value['label']
  if (typeof label !== 'string' || !Object.hasOwn(shapes, label)) {
    throw damaged(label === undefined ? 'it has no label' : `there is no state ${preview(label)}`)
  }
  const problem = problemOf(value, shapes[label as ProcessState]) ?? problemOf(value, around)
  if (problem !== undefined) throw damaged(problem)
  const { resumes, signals, unsaved, ...state } = value
  // Both have just been looked at, key by key.
  return { state: state as unknown as StateData, around: { resumes, signals, unsaved } as Around }
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

function damaged(what: string): IncompatibleBundle {
  return new IncompatibleBundle(`state: damaged, ${what}`)
}
