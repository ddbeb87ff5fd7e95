import { IncompatibleBundle } from '../shared/errors.ts'
import { preview } from '../ports/plain.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../shared/json.ts'
import { type LoadContext, loaderOf, type NamedClass } from './loader.ts'

/** The format that is written. Bundles of every released format must stay readable. */
const BUNDLE_FORMAT = 1

/** The keys of a bundle's JSON. */
export const BundleKeys = {
  /** The number of the format. */
  FORMAT: 'format',
  PID: 'pid',
  /** The registered name of the class. */
  CLASS: 'class',
  /** The version of the class's saved form. */
  VERSION: 'version',
  /** When the process was created; ISO 8601. */
  CREATED: 'created',
  /** The pid of the process that launched it. Absent if no process did. */
  PARENT: 'parent',
  /** The number of transitions it has made. */
  SEQ: 'seq',
  /** `{ message?, at? }` while it is paused. */
  PAUSED: 'paused',
  /** The text of `setStatus`. */
  STATUS: 'status',
  /** The state and its data: `{ label, step, args, … }`. */
  STATE: 'state',
  /** The inputs as they were given. */
  INPUTS: 'inputs',
  /** The inputs with defaults filled in, if they differ from the given ones. */
  PARSED: 'parsed',
  /** The emitted values by dotted port name. */
  OUTPUTS: 'outputs',
  /** What the process keeps between steps: `{ ctx?, members?, instance? }`. */
  MEMORY: 'memory',
  /** What the unfinished step has done, by kind and name; see `RecordEntry`. */
  RECORD: 'record',
  /** The options of its launch: `{ retry? }`. */
  LAUNCH: 'launch',
} as const

/** The data of a process that is stored in its row, not in a part. */
export interface BundleHead {
  readonly pid: string
  /** The registered name of the class. */
  readonly class: string
  /** The version of the class's saved form: a whole number. */
  readonly version: number
  /** ISO 8601, in UTC with milliseconds. */
  readonly created: string
  readonly parent?: string | undefined
  /** The number of transitions that the process has made. */
  readonly seq: number
  readonly paused?: { readonly message?: string | undefined; readonly at?: string | undefined } | undefined
  readonly status?: string | undefined
}

/**
 * The parts of a bundle, which are stored separately. `out:<port>` is the output of that dotted
 * name. `record:<kind>:<name>` is one thing that the unfinished step has done.
 */
export type PartName =
  'state' | 'inputs' | 'parsed' | 'memory' | 'launch' | `out:${string}` | `record:${string}`

/** JSON texts from `Codec.stringify`, by `PartName`. */
export type BundleParts = Readonly<Record<string, string>>

/** The method under this symbol returns the bundle of an object that can be saved. */
export const SAVE: unique symbol = Symbol.for('damson.save')

/** What `Bundle.from` needs of a process. */
export interface Savable {
  [SAVE](): Bundle
}

/** A class whose processes can be recreated from bundles. */
export interface Recreatable<P = unknown> extends NamedClass {
  readonly prototype: P
  recreateFrom(bundle: Bundle, context?: LoadContext): unknown
}

const OUTPUT = 'out:'
const RECORD = 'record:'

/**
 * The saved form of one process: versioned JSON that a person can read.
 *
 * A bundle has a small head, and parts that are JSON texts; together they are one JSON document.
 * The parts are stored separately, so a transition encodes only the parts that it changed. Each
 * part is exactly what `JSON.stringify` returns. So saving, loading and saving again gives the same
 * bytes.
 */
// Keeps C10.
export class Bundle {
  readonly head: BundleHead
  readonly parts: BundleParts
  #text: string | undefined

  private constructor(head: BundleHead, parts: BundleParts) {
    this.head = head
    this.parts = parts
  }

  /**
   * Returns the bundle of a process as it is now.
   *
   * @throws SerializationError with the path to a value that can't be saved
   */
  static from(process: Savable): Bundle {
    return process[SAVE]()
  }

  /**
   * Makes a bundle of its head and parts. The texts are trusted; `Bundle.parse(bundle.text)` would
   * check them.
   *
   * @throws IncompatibleBundle if the part `state` or `inputs` is missing, or a part has an unknown
   * name
   */
  static fromParts(head: BundleHead, parts: BundleParts): Bundle {
    for (const name in parts) {
      if (!name.startsWith(OUTPUT) && !name.startsWith(RECORD) && !isPlainPart(name))
        throw damaged(head.pid, `has a part ${name}, which no bundle has`)
    }
    if (parts['state'] === undefined) throw damaged(head.pid, 'has no state')
    if (parts['inputs'] === undefined) throw damaged(head.pid, 'has no inputs')
    return new Bundle(head, parts)
  }

  /**
   * Reads the text of a bundle. Its values are decoded later, since that needs the registered
   * types.
   *
   * @throws IncompatibleBundle if the text is damaged, or has a format that this release does not
   * know
   */
  static parse(text: string): Bundle {
    let document: unknown
    try {
      document = JSON.parse(text)
    } catch (error) {
      throw new IncompatibleBundle(`the bundle is damaged, it is not JSON: ${(error as Error).message}`, {
        cause: error,
      })
    }
    return read(document)
  }

  /**
   * The bundle as one JSON document. Cheaper than `JSON.stringify(bundle)`, since the parts are
   * only joined.
   */
  get text(): string {
    return (this.#text ??= join(this.head, this.parts))
  }

  /** The names of the ports with an output, sorted. */
  get outputNames(): readonly string[] {
    return namesUnder(OUTPUT, this.parts)
  }

  /** The names in the record of the unfinished step, sorted. */
  get recordNames(): readonly string[] {
    return namesUnder(RECORD, this.parts)
  }

  /** The saved form as plain JSON. */
  toJSON(): JsonObject {
    return JSON.parse(this.text) as JsonObject
  }

  /**
   * Recreates the process. The context provides the classes.
   *
   * @throws UnknownProcessClass if the context does not provide the class of the process
   * @throws IncompatibleBundle if the bundle is damaged, or the class can't upgrade its version
   */
  unbundle<P>(context?: LoadContext<Recreatable<P>>): P {
    const processClass = loaderOf(context).load(this.head.class)
    return processClass.recreateFrom(this, context) as P
  }
}

/** The name of the part for an output. */
export function outputPart(port: string): PartName {
  return `${OUTPUT}${port}`
}

/** The dotted port of the output in a part; undefined for any other part. */
export function portOf(part: string): string | undefined {
  return part.startsWith(OUTPUT) ? part.slice(OUTPUT.length) : undefined
}

/** The name of the part for an entry of the step record. */
export function recordPart(entry: string): PartName {
  return `${RECORD}${entry}`
}

/** Whether a part belongs to the record of a step. */
export function isRecordPart(name: string): boolean {
  return name.startsWith(RECORD)
}

function isPlainPart(name: string): boolean {
  return name === 'state' || name === 'inputs' || name === 'parsed' || name === 'memory' || name === 'launch'
}

function namesUnder(prefix: string, parts: BundleParts): string[] {
  const names: string[] = []
  for (const name in parts) if (name.startsWith(prefix)) names.push(name.slice(prefix.length))
  if (names.length < 2) return names
  // An object orders its keys as `JSON.parse` will: numbers first. So the text does not depend on
  // the store's order.
  const ordered: Record<string, null> = Object.create(null)
  for (const name of names.toSorted()) ordered[name] = null
  return Object.keys(ordered)
}

function join(head: BundleHead, parts: BundleParts): string {
  let text = `${headText(head)},"state":${parts['state']},"inputs":${parts['inputs']}`
  if (parts['parsed'] !== undefined) text += `,"parsed":${parts['parsed']}`
  text += group('outputs', OUTPUT, parts)
  if (parts['memory'] !== undefined) text += `,"memory":${parts['memory']}`
  text += group('record', RECORD, parts)
  if (parts['launch'] !== undefined) text += `,"launch":${parts['launch']}`
  return `${text}}`
}

function group(key: string, prefix: string, parts: BundleParts): string {
  const names = namesUnder(prefix, parts)
  if (names.length === 0) return ''
  const members = names.map((name) => `${JSON.stringify(name)}:${parts[prefix + name]}`)
  return `,"${key}":{${members.join(',')}}`
}

/** Does what `JSON.stringify` does in a fifth of the time, since each transition needs the text. */
function headText(head: BundleHead): string {
  let text =
    `{"format":${BUNDLE_FORMAT},"pid":${quoted(head.pid)},"class":${quoted(head.class)},"version":${head.version}` +
    `,"created":${quoted(head.created)}`
  if (head.parent !== undefined) text += `,"parent":${quoted(head.parent)}`
  text += `,"seq":${head.seq}`
  if (head.paused !== undefined) {
    text += `,"paused":${JSON.stringify({ message: head.paused.message, at: head.paused.at })}`
  }
  if (head.status !== undefined) text += `,"status":${quoted(head.status)}`
  return text
}

function quoted(text: string): string {
  return /^[\w .:-]*$/.test(text) ? `"${text}"` : JSON.stringify(text)
}

// ---------- reading ----------

const KEYS: ReadonlySet<string> = new Set(Object.values(BundleKeys))

function read(document: unknown): Bundle {
  if (!isJsonObject(document)) throw damaged('', `is ${textOf(document)} and not an object`)
  const pid = typeof document['pid'] === 'string' ? document['pid'] : ''
  const { format } = document
  if (typeof format !== 'number' || !Number.isInteger(format) || format < 1) {
    throw damaged(pid, `has no format number, but ${textOf(format)}`)
  }
  if (format > BUNDLE_FORMAT) {
    throw new IncompatibleBundle(
      `${nameOf(pid)} is of format ${format}, and this release reads formats up to ${BUNDLE_FORMAT}: it was saved by a newer release, load it with that one`,
    )
  }
  const { parent, status, paused } = document
  const head: BundleHead = {
    pid: field(document, pid, 'pid', isName, 'a text'),
    class: field(document, pid, 'class', isName, 'a text'),
    version: field(document, pid, 'version', isCount, 'a whole number'),
    created: field(document, pid, 'created', isDate, 'a date as 2026-01-31T12:00:00.000Z'),
    ...(parent !== undefined && { parent: field(document, pid, 'parent', isName, 'a text') }),
    seq: field(document, pid, 'seq', isCount, 'a whole number'),
    ...(paused !== undefined && { paused: field(document, pid, 'paused', isPaused, '{ message?, at? }') }),
    ...(status !== undefined && { status: field(document, pid, 'status', isText, 'a text') }),
  }
  for (const key of Object.keys(document)) {
    if (!KEYS.has(key)) throw damaged(pid, `has a key ${key}, which no bundle of format ${format} has`)
  }
  const parts: Record<string, string> = {}
  for (const name of ['state', 'inputs', 'parsed', 'memory', 'launch'] as const) {
    if (document[name] !== undefined)
      parts[name] = partText(field(document, pid, name, isJsonObject, 'an object'), pid, name)
  }
  for (const [key, partOf] of [
    ['outputs', outputPart],
    ['record', recordPart],
  ] as const) {
    if (document[key] === undefined) continue
    for (const [name, value] of Object.entries(field(document, pid, key, isJsonObject, 'an object'))) {
      parts[partOf(name)] = partText(value, pid, `${key}.${name}`)
    }
  }
  return Bundle.fromParts(head, parts)
}

type Fits<T> = (value: unknown) => value is T

function field<T>(document: JsonObject, pid: string, key: string, fits: Fits<T>, what: string): T {
  const value: unknown = document[key]
  if (fits(value)) return value
  throw damaged(
    pid,
    `has ${value === undefined ? 'no' : 'a wrong'} ${key}: it should be ${what}, and is ${textOf(value)}`,
  )
}

function partText(value: JsonValue, pid: string, path: string): string {
  try {
    return JSON.stringify(value)
  } catch (error) {
    // The value is too deep for the stack.
    throw damaged(pid, `can't be read at ${path}: ${(error as Error).message}`, { cause: error })
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** A date of `toISOString`. Days up to the 28th exist in every month, so they need no calendar. */
const ISO_DATE = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/

function isDate(value: unknown): value is string {
  if (typeof value !== 'string') return false
  if (ISO_DATE.test(value)) return true
  const date = new Date(value)
  return !Number.isNaN(date.getTime()) && date.toISOString() === value
}

function isPaused(value: unknown): value is NonNullable<BundleHead['paused']> {
  if (!isJsonObject(value)) return false
  const { message, at, ...rest } = value
  return (
    (message === undefined || isText(message)) &&
    (at === undefined || isDate(at)) &&
    Object.keys(rest).length === 0
  )
}

function textOf(value: unknown): string {
  if (value === undefined) return 'not there'
  let text: string
  try {
    text = JSON.stringify(value)
  } catch {
    // The value is too deep for the stack.
    return preview(value)
  }
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

function nameOf(pid: string): string {
  return pid === '' ? 'the bundle' : `the bundle of process ${pid}`
}

function damaged(pid: string, what: string, options?: ErrorOptions): IncompatibleBundle {
  return new IncompatibleBundle(`${nameOf(pid)} is damaged: it ${what}`, options)
}
