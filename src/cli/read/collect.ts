import type { Client, ListFilter, ProcessSummary } from '../../index.ts'

const PAGE = 1000

/** Returns at most `limit` processes, newest first, and where the next ones begin if there are more. */
export async function collect(
  client: Client,
  filter: ListFilter,
  limit: number,
  from?: string,
): Promise<{ readonly processes: readonly ProcessSummary[]; readonly next: string | undefined }> {
  const processes: ProcessSummary[] = []
  let after = from
  do {
    const page = await client.list({ ...filter, after, limit: Math.min(PAGE, limit - processes.length) })
    processes.push(...page.processes)
    after = page.next
  } while (after !== undefined && processes.length < limit)
  return { processes, next: after }
}
