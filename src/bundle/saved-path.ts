import { SerializationError } from '../shared/errors.ts'
import { isJsonObject, type JsonValue } from '../shared/json.ts'
import { getOwn, setOwn } from '../shared/own.ts'
import { checkText } from '../shared/text.ts'

/*
 * Changes one value inside saved JSON, by a path as errors show it: `ctx.jobs[3].callback`. The
 * JSON is not decoded, so a program without the types of the other values in it can change it.
 */

/** The longest path, in characters. */
const LONGEST_PATH = 1_000

/** A path, taken apart. */
export interface SavedPath {
  readonly text: string
  /** The first name, such as `ctx`. */
  readonly root: string
  readonly keys: readonly (string | number)[]
}

/** Saved JSON that may be changed. */
type Mutable = Record<string, JsonValue> | JsonValue[]

/** One step of a path: `.name`, `[3]` or `["a name"]`. */
const STEP = /\.([^.[\]]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/y

/**
 * Takes a path apart. `where` names the caller in errors, and `roots` are the names with which a
 * path may begin.
 *
 * @throws TypeError for text that is not a path, or begins with another name
 */
export function parseSavedPath(text: unknown, roots: readonly string[], where: string): SavedPath {
  checkText(`${where}: a path`, text)
  const path = text as string
  if (path.length > LONGEST_PATH) {
    throw new TypeError(
      `${where}: a path has ${LONGEST_PATH} characters at most, and this has ${path.length}`,
    )
  }
  const root = /^[^.[\]]*/.exec(path)?.[0] ?? ''
  const keys: (string | number)[] = []
  STEP.lastIndex = root.length
  while (STEP.lastIndex < path.length) {
    const key = keyOf(STEP.exec(path))
    if (key === undefined) throw new TypeError(`${where}: ${noPath(path, roots)}`)
    keys.push(key)
  }
  if (!roots.includes(root)) throw new TypeError(`${where}: ${noPath(path, roots)}`)
  return { text: path, root, keys }
}

/** The key of a step; undefined if there is none, or if a quoted name is not JSON. */
function keyOf(step: RegExpExecArray | null): string | number | undefined {
  if (step === null) return undefined
  const [, name, index, quoted] = step
  if (index !== undefined) return Number(index)
  try {
    return name ?? (JSON.parse(quoted as string) as string)
  } catch {
    return undefined
  }
}

function noPath(path: string, roots: readonly string[]): string {
  const [root] = roots
  return (
    `${JSON.stringify(path)} is not a path: it begins with ${roots.join(' or ')}, ` +
    `as in ${root}.name, ${root}.list[0] or ${root}["a name"]`
  )
}

/**
 * Sets the value under these keys of saved JSON, which is changed. Missing objects on the way are
 * made. Returns the value that was there. `path` names the value in errors.
 *
 * @throws SerializationError if the path leads into anything but an object or a list, if a list is
 *   too short, or if the old value contains an object that occurs elsewhere too
 */
export function setSaved(
  root: JsonValue,
  keys: readonly (string | number)[],
  value: JsonValue,
  path: string,
): JsonValue | undefined {
  const last = keys.at(-1)
  if (last === undefined) throw new TypeError('a path needs a key')
  const ids = idsIn(root)
  let holder = contentOf(root, ids, path)
  for (const key of keys.slice(0, -1)) {
    const inner = itemOf(holder, key, path)
    if (inner === undefined) {
      const made: Record<string, JsonValue> = {}
      put(holder, key, made, path)
      holder = made
    } else holder = contentOf(inner, ids, path)
  }
  const before = itemOf(holder, last, path)
  put(holder, last, withNewIds(value, Math.max(0, ...ids.keys())), path)
  requireReferences(root, path)
  return before
}

/** The object or list that a saved value is. A reference leads to the first use of its object. */
function contentOf(node: JsonValue, ids: ReadonlyMap<number, JsonValue>, path: string): Mutable {
  if (Array.isArray(node)) return node as JsonValue[]
  if (isJsonObject(node)) {
    const kind = getOwn(node, '$')
    if (kind === undefined) return node
    const { id, fields, items } = node
    const target = kind === 'ref' ? ids.get(id as number) : undefined
    if (target !== undefined) return contentOf(target, ids, path)
    if ((kind === 'object' || kind === 'dict') && isJsonObject(fields)) return fields
    if (kind === 'array' && Array.isArray(items)) return items as JsonValue[]
    throw new SerializationError(
      path,
      `it can't be changed inside a ${preview(node['$'] ?? null)}: give the whole value`,
    )
  }
  throw new SerializationError(
    path,
    `it leads into ${preview(node)}, which has no parts: give the value around it`,
  )
}

function itemOf(holder: Mutable, key: string | number, path: string): JsonValue | undefined {
  if (!Array.isArray(holder)) {
    if (typeof key === 'number')
      throw new SerializationError(path, `[${key}] is not a list item: an object is there, so use ["${key}"]`)
    return getOwn(holder, key) as JsonValue | undefined
  }
  return holder[indexOf(holder, key, path)]
}

function put(holder: Mutable, key: string | number, value: JsonValue, path: string): void {
  if (Array.isArray(holder)) holder[indexOf(holder, key, path)] = value
  else if (key === '$')
    throw new SerializationError(path, 'a name $ is kept for saved kinds: give the value around it')
  else setOwn(holder, String(key), value)
}

/** An index of a list, or the next one, where an item is added. */
function indexOf(list: readonly JsonValue[], key: string | number, path: string): number {
  const index = typeof key === 'string' && /^\d+$/.test(key) ? Number(key) : key
  if (typeof index === 'string')
    throw new SerializationError(path, `${JSON.stringify(key)} is not an index: a list is there, so use [0]`)
  if (index <= list.length) return index
  throw new SerializationError(path, `[${index}] leaves a gap: the list has ${list.length} items`)
}

/** Calls back for each saved kind, `{ "$": kind, … }`, in the order in which they are decoded. */
function eachKind(node: JsonValue, found: (node: Record<string, JsonValue>) => void): void {
  if (Array.isArray(node)) {
    for (const item of node as readonly JsonValue[]) eachKind(item, found)
    return
  }
  if (!isJsonObject(node)) return
  const isKind = Object.hasOwn(node, '$')
  if (isKind) found(node)
  for (const [key, value] of Object.entries(node)) {
    if (isKind && (key === '$' || key === 'id')) continue
    // The fields of a saved object may be named `$` themselves.
    if (isKind && (key === 'fields' || key === 'items') && isJsonObject(value)) {
      for (const field of Object.values(value)) eachKind(field, found)
    } else eachKind(value, found)
  }
}

/** The objects that have an id, because they occur more than once. */
function idsIn(root: JsonValue): ReadonlyMap<number, JsonValue> {
  const ids = new Map<number, JsonValue>()
  eachKind(root, (node) => {
    if (node['$'] !== 'ref' && typeof node['id'] === 'number') ids.set(node['id'], node)
  })
  return ids
}

/** The value with ids above those that are in use. */
function withNewIds(value: JsonValue, used: number): JsonValue {
  if (used === 0) return value
  const copy = structuredClone(value)
  eachKind(copy, (node) => {
    if (typeof node['id'] === 'number') node['id'] += used
  })
  return copy
}

/** @throws SerializationError if a reference no longer follows its object */
function requireReferences(root: JsonValue, path: string): void {
  const ids = new Set<JsonValue | undefined>()
  eachKind(root, (node) => {
    if (node['$'] !== 'ref') ids.add(node['id'])
    else if (!ids.has(node['id'])) {
      throw new SerializationError(
        path,
        'the value there contains an object that occurs elsewhere too: change a field inside it, or the value around both',
      )
    }
  })
}

function preview(value: JsonValue): string {
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
