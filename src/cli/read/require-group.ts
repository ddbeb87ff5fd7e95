import type { Client, GroupRow } from '../../index.ts'
import { UsageError } from '../input/usage-error.ts'

/** Reads a group. @throws UsageError if there is no such group */
export async function requireGroup(client: Client, name: string): Promise<GroupRow> {
  const row = await client.store.group(name)
  if (row === undefined)
    throw new UsageError(`there is no group '${name}' in this store; damson groups lists them`)
  return row
}
