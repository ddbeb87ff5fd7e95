import type { Client, ProcessSummary } from '../../index.ts'

/** The processes that are looked up together. */
const AT_A_TIME = 50

/** Returns the newest successor of each process that ended without success, by the pid of that process. */
export async function successorsOf(
  client: Client,
  processes: readonly ProcessSummary[],
): Promise<ReadonlyMap<string, ProcessSummary>> {
  const failed = processes.filter(({ state }) => state.terminal && !state.successful)
  const found = new Map<string, ProcessSummary>()
  for (let start = 0; start < failed.length; start += AT_A_TIME) {
    const look = async ({ pid }: ProcessSummary): Promise<void> => {
      const [newest] = (await client.list({ origin: pid, limit: 1 })).processes
      if (newest !== undefined) found.set(pid, newest)
    }
    await Promise.all(failed.slice(start, start + AT_A_TIME).map(look))
  }
  return found
}
