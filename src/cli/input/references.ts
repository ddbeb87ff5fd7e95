import { allowFailure, type Client } from '../../index.ts'
import { UsageError } from './usage-error.ts'

/**
 * Puts handles in place of `{"$process": PID}` in a value of the command line, and references in place of
 * `{"$process": PID, "output": "key"}`: the JSON forms that handles and references have.
 *
 * @throws UsageError for an unknown member next to `$process`
 */
export function withReferences(client: Client, value: unknown, what: string): unknown {
  if (Array.isArray(value)) return value.map((item) => withReferences(client, item, what))
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return value
  const members = value as Readonly<Record<string, unknown>>
  if (!Object.hasOwn(members, '$process')) {
    return Object.fromEntries(
      Object.entries(members).map(([name, member]) => [name, withReferences(client, member, what)]),
    )
  }
  const { $process: pid, output, allowFailure: mayFail, ...others } = members
  const isKey = output === undefined || typeof output === 'string' || typeof output === 'number'
  if (typeof pid !== 'string' || !isKey || Object.keys(others).length > 0)
    throw new UsageError(
      `${what}: a reference is {"$process": "PID"} for the result of a process, or {"$process": "PID", "output": "key"} for an output; "allowFailure": true takes its outcome if it fails`,
    )
  const handle = client.handle(pid)
  if (mayFail === true)
    return allowFailure(output === undefined ? handle : handle.outputs.ref(String(output)))
  return output === undefined ? handle : handle.outputs.ref(String(output))
}
