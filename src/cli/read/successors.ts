import type { Client, ProcessSummary } from '../../index.ts'

/** The processes that are looked up together. */
const AT_A_TIME = 50

/** Returns the newest process that supersedes each of those that are superseded, by the pid of that process. */
export async function successorsOf(
  client: Client,
  processes: readonly ProcessSummary[],
): Promise<ReadonlyMap<string, ProcessSummary>> {
  const failed = processes.filter(({ state }) => state.terminal && !state.successful)
  const found = new Map<string, ProcessSummary>()
  for (let start = 0; start < failed.length; start += AT_A_TIME) {
    const look = async ({ pid }: ProcessSummary): Promise<void> => {
      const superseding = await client.supersededBy(pid)
      if (superseding !== undefined) found.set(pid, superseding)
    }
    await Promise.all(failed.slice(start, start + AT_A_TIME).map(look))
  }
  return found
}
