import { readWholeFile, writeWholeFile } from '../../persistence/whole-file.ts'
import type { GroupRecord, HandleRecord } from '../../process/host/reference-record.ts'
import { PersistenceError } from '../../shared/errors.ts'
import { isJsonObject } from '../../shared/json.ts'
import { shown } from '../../shared/options.ts'
import { checkText, textProblem } from '../../shared/text.ts'

/** Returns why a value is not that of a field; undefined if it is. */
type Check = (value: unknown) => string | undefined

const VERSION = 1
const isVersion: Check = (value) =>
  value === VERSION
    ? undefined
    : `is ${shown(value)}, but this release reads version ${VERSION}: read the file with the release that wrote it`
const isText: Check = (value) => textProblem(value)

const GROUP: Readonly<Record<keyof GroupRecord, Check>> = {
  version: isVersion,
  name: isText,
  store: isText,
  pids: (value) => {
    if (!Array.isArray(value)) return `must be a list of pids, not ${shown(value)}`
    const index = value.findIndex((pid) => textProblem(pid) !== undefined)
    return index === -1 ? undefined : `has at position ${index} no pid: it ${textProblem(value[index])}`
  },
  ordered: (value) => (typeof value === 'boolean' ? undefined : `must be true or false, not ${shown(value)}`),
  items: (value) => {
    if (!Array.isArray(value)) return `must be a list of numbers, not ${shown(value)}`
    return value.every((count) => count === null || (Number.isSafeInteger(count) && count > 0))
      ? undefined
      : 'must have whole numbers from 1, or null'
  },
}

/** The fields that only some files have. */
const OPTIONAL: readonly string[] = ['items']

const HANDLE: Readonly<Record<keyof HandleRecord, Check>> = {
  version: isVersion,
  store: isText,
  pid: isText,
}

/** Writes a reference to a new file in the working folder, or to this file. Returns its absolute path. */
export async function saveReference(record: GroupRecord | HandleRecord, path: unknown): Promise<string> {
  if (path !== undefined) checkText('save: the path', path)
  const file = path ?? `future-${globalThis.crypto.randomUUID().replaceAll('-', '')}.json`
  return writeWholeFile(file as string, `${JSON.stringify(record)}\n`)
}

/**
 * Reads a file of `group.save`.
 *
 * @throws PersistenceError if it belongs to another store, or is not such a file
 */
export async function readGroup(path: string, store: string): Promise<GroupRecord> {
  checkText('openGroup: the path', path)
  const record = await read<GroupRecord>(
    path,
    GROUP,
    (found) => ('pid' in found ? 'is the file of one process: open it with openHandle' : undefined),
    'openGroup takes the path that group.save() returned. A group that was launched under a name needs no file: openGroup({ name })',
  )
  const { pids, items } = record
  if (items !== undefined && items.length !== pids.length)
    throw new PersistenceError(
      `${path} cannot be opened: its field items has ${items.length} numbers for ${pids.length} pids`,
    )
  return ofStore(record, path, store)
}

/**
 * Reads a file of `handle.save`.
 *
 * @throws PersistenceError if it belongs to another store, or is not such a file
 */
export async function readHandle(path: string, store: string): Promise<HandleRecord> {
  checkText('openHandle: the path', path)
  const record = await read<HandleRecord>(
    path,
    HANDLE,
    (found) => ('pids' in found ? 'is the file of a group: open it with openGroup' : undefined),
    'openHandle takes the path that handle.save() returned. Of a known pid, client.handle(pid) gives the handle',
  )
  return ofStore(record, path, store)
}

async function read<T extends object>(
  path: string,
  fields: Readonly<Record<keyof T, Check>>,
  mistake: (found: object) => string | undefined,
  instead: string,
): Promise<T> {
  const text = await readWholeFile(path).catch((error: unknown) => {
    const { cause } = error as Error
    if ((cause as { readonly code?: unknown } | undefined)?.code !== 'ENOENT') throw error
    throw new PersistenceError(`there is no file ${path}: ${instead}`, { cause })
  })
  const refuse = (why: string, cause?: unknown): PersistenceError =>
    new PersistenceError(`${path} ${why}`, { cause })
  let found: unknown
  try {
    found = JSON.parse(text)
  } catch (error) {
    throw refuse('is not a file that `save` has written: it is not JSON', error)
  }
  if (!isJsonObject(found)) throw refuse('is not a file that `save` has written: it is not an object')
  const isMistaken = mistake(found)
  if (isMistaken !== undefined) throw refuse(isMistaken)
  const problem = (name: string): string | undefined => {
    if (!Object.hasOwn(found, name)) return OPTIONAL.includes(name) ? undefined : 'is missing'
    return fields[name as keyof T](found[name])
  }
  // The version comes first: it determines the other fields.
  for (const name of Object.keys(fields)) {
    const why = problem(name)
    if (why !== undefined) throw refuse(`cannot be opened: its field ${name} ${why}`)
    if (name !== 'version') continue
    const unknown = Object.keys(found).find((one) => !Object.hasOwn(fields, one))
    if (unknown !== undefined) throw refuse(`cannot be opened: it has an unknown field ${unknown}`)
  }
  return found as T
}

function ofStore<T extends { readonly store: string }>(record: T, path: string, store: string): T {
  if (record.store === store) return record
  throw new PersistenceError(
    `${path} refers to processes of the store ${record.store}, but this is the store ${store}: open the store that it was saved from`,
  )
}
