import { Codec, type JsonValue } from '../../index.ts'
import { parseJson } from './parse-json.ts'
import { UsageError } from './usage-error.ts'

/** Reads a value of the command line: JSON, with values that JSON lacks in their saved form. */
export function readValue(json: string, what: string): unknown {
  return new Codec().decode(readJson(json, what), what)
}

function readJson(json: string, what: string): JsonValue {
  try {
    return parseJson(json, what) as JsonValue
  } catch (error) {
    if (!(error instanceof UsageError) || !/^[\p{L}_]/u.test(json)) throw error
    throw new UsageError(`${error.message}; a string needs quotes: '${JSON.stringify(json)}'`)
  }
}

/**
 * Calls a method that takes paths.
 *
 * @throws UsageError for text that is not a path
 */
export async function withPaths<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message)
    throw error
  }
}

/** Collects `--set path=value` options. */
export function addChange(given: string, before: readonly string[] = []): readonly string[] {
  return [...before, given]
}

/**
 * Reads `--set path=value` options.
 *
 * @throws UsageError for one without `=`, for a path that occurs twice, or for a value that is not
 *   JSON
 */
export function readChanges(
  given: readonly string[] | undefined,
): Readonly<Record<string, unknown>> | undefined {
  if (given === undefined) return undefined
  const changes = new Map<string, unknown>()
  for (const one of given) {
    const at = one.indexOf('=')
    if (at < 1) throw new UsageError(`--set takes a path and a value, such as ctx.limit=20, not ${one}`)
    const path = one.slice(0, at)
    if (changes.has(path)) throw new UsageError(`--set gives ${path} twice`)
    changes.set(path, readValue(one.slice(at + 1), path))
  }
  return Object.fromEntries(changes)
}
