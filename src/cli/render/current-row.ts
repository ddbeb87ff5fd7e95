import type { Client, ProcessRow } from '../../index.ts'

/**
 * The row of a process that is to be shown; undefined where there is none. A process whose kill is stored and whose time to end is up is
 * ended first, since whoever sees that does it (C7).
 */
export async function currentRow(client: Client, pid: string): Promise<ProcessRow | undefined> {
  const row = await client.store.read(pid)
  if (row === undefined || row.killRequested === null || row.killRequested.deadline > Date.now()) return row
  await client.handle(pid).refresh()
  return client.store.read(pid)
}
