import type { Client, ListFilter, ProcessSummary } from '../../index.ts'

const PAGE = 1000

/** Returns at most `limit` processes, newest first, and whether there are more. */
export async function collect(
  client: Client,
  filter: ListFilter,
  limit: number,
): Promise<{ readonly processes: readonly ProcessSummary[]; readonly more: boolean }> {
  const processes: ProcessSummary[] = []
  let after: string | undefined
  do {
    const page = await client.list({ ...filter, after, limit: Math.min(PAGE, limit - processes.length) })
    processes.push(...page.processes)
    after = page.next
  } while (after !== undefined && processes.length < limit)
  return { processes, more: after !== undefined }
}
