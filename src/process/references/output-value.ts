import { isPlainObject, valueAt } from '../../ports/plain.ts'
import { getOwn } from '../../shared/own.ts'
import { MissingResult } from '../../shared/errors.ts'

/**
 * Returns the output of a process under a dotted name. If there is no such output, returns the
 * value at that path of the result: a key, or the index of a list. Index 0 of a result that is not
 * a list is the result itself.
 *
 * @throws MissingResult, which names the key
 */
export function outputValue(pid: string, key: string | number, outputs: unknown, result: unknown): unknown {
  const names = String(key).split('.')
  const emitted = valueAt(outputs, names)
  if (emitted !== undefined) return emitted
  const value = names.reduce(within, result)
  if (value !== undefined) return value
  if (key === 0 && !Array.isArray(result) && result !== undefined) return result
  throw new MissingResult(
    pid,
    `the process ${pid} has ended without the output ${JSON.stringify(key)}, and its result has nothing under that key`,
  )
}

function within(at: unknown, name: string): unknown {
  if (Array.isArray(at)) return /^(0|[1-9]\d*)$/.test(name) ? (at[Number(name)] as unknown) : undefined
  if (at instanceof Map) return at.get(name) as unknown
  return isPlainObject(at) ? getOwn(at, name) : undefined
}
