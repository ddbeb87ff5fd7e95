import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { Codec, type JsonObject } from '../../index.ts'
import { parseJson } from './parse-json.ts'
import { UsageError } from './usage-error.ts'

/**
 * Returns the inputs that `--inputs` names: JSON, a JSON file, or `-` for stdin. Values that JSON lacks are in their saved
 * form, such as `{ "$": "Date", "value": "2026-01-31T12:00:00.000Z" }`.
 */
export async function readInputs(given: string | undefined): Promise<Readonly<Record<string, unknown>>> {
  if (given === undefined) return {}
  const source = given === '-' ? 'stdin' : isJson(given) ? '--inputs' : given
  const value = parseJson(await textOf(given), source)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UsageError(`${source} must hold an object, from the names of the inputs to their values`)
  }
  return new Codec().decode(value as JsonObject, 'inputs') as Readonly<Record<string, unknown>>
}

async function textOf(given: string): Promise<string> {
  if (given === '-') return text(process.stdin)
  if (isJson(given)) return given
  try {
    return (await readFile(given, 'utf8')).replace(/^\uFEFF/, '')
  } catch (error) {
    const why =
      (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is none' : (error as Error).message
    throw new UsageError(
      `can't read the file ${given} of inputs: ${why}; give a file, - for stdin, or JSON such as '{"a": 1}'`,
    )
  }
}

function isJson(given: string): boolean {
  return /^\s*[{["]/.test(given)
}
