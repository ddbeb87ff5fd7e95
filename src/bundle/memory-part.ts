import { IncompatibleBundle } from '../shared/errors.ts'
import { preview } from '../ports/plain.ts'
import { isJsonObject } from '../shared/json.ts'
import type { Codec } from './codec.ts'

/**
 * What a process keeps between its steps. It is encoded together, so that shared objects stay
 * shared.
 */
export interface Memory {
  readonly ctx: Record<string, unknown>
  /** The members named by `persisted`. */
  readonly members: Record<string, unknown>
  /** What `saveInstanceState` added. */
  readonly instance: Record<string, unknown>
}

/**
 * Returns the text of the part `memory`, or undefined if the memory is empty. Paths in errors start
 * at `ctx`, `members` or `instance`.
 *
 * @throws SerializationError with the path to a value that can't be saved (C10)
 */
export function encodeMemory(memory: Memory, codec: Codec): string | undefined {
  const kept: Record<string, unknown> = {}
  for (const key of ['ctx', 'members', 'instance'] as const)
    if (!isEmpty(memory[key])) kept[key] = memory[key]
  return isEmpty(kept) ? undefined : codec.stringify(kept)
}

/** @throws IncompatibleBundle if the text is damaged or one of its types is not registered */
export function decodeMemory(text: string | undefined, codec: Codec): Memory {
  const {
    ctx = {},
    members = {},
    instance = {},
    ...rest
  } = text === undefined ? {} : record(codec.parse(text), 'memory')
  const [other] = Object.keys(rest)
  if (other !== undefined)
    throw new IncompatibleBundle(`memory: damaged, it has ${other}, which no memory has`)
  return {
    ctx: record(ctx, 'ctx'),
    members: record(members, 'members'),
    instance: record(instance, 'instance'),
  }
}

/** @throws IncompatibleBundle if the value is not an object */
export function record(value: unknown, path: string): Record<string, unknown> {
  if (isJsonObject(value)) return value
  throw new IncompatibleBundle(`${path}: damaged, it should be an object, and is ${preview(value)}`)
}

function isEmpty(value: object): boolean {
  for (const key in value) if (Object.hasOwn(value, key)) return false
  return true
}
