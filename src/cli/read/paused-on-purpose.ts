import type { Client, ListFilter } from '../../index.ts'

/**
 * Returns how many processes someone has paused on purpose. A played process may have failed and be
 * paused again by now.
 */
export async function pausedOnPurpose(client: Client, filter: ListFilter): Promise<number> {
  let count = 0
  let after: string | undefined
  do {
    const page = await client.store.list({ ...filter, paused: true, limit: 1_000, after })
    count += page.rows.filter((row) => row.paused?.cause === 'request' || row.pauseRequested !== null).length
    after = page.next
  } while (after !== undefined)
  return count
}
