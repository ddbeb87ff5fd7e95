import { ProcessLost, type Client, type ProcessSummary } from '../../index.ts'

/** The processes that are read together, and the most that are read. */
const AT_A_TIME = 50
const MOST = 500

/**
 * Returns, by their pids, the steps in which processes ended without success. The row of a process
 * that has ended has no step, so each is read by itself, and of a long list only the first ones.
 */
export async function stepsOfFailures(
  client: Client,
  processes: readonly ProcessSummary[],
): Promise<ReadonlyMap<string, string>> {
  const failed = processes.filter(({ state }) => state.terminal && !state.successful).slice(0, MOST)
  const steps = new Map<string, string>()
  const read = async ({ pid }: ProcessSummary): Promise<void> => {
    try {
      const { endedIn } = await client.inspect(pid)
      if (endedIn !== null) steps.set(pid, endedIn)
    } catch (error) {
      // It was pruned meanwhile.
      if (!(error instanceof ProcessLost)) throw error
    }
  }
  for (let start = 0; start < failed.length; start += AT_A_TIME)
    await Promise.all(failed.slice(start, start + AT_A_TIME).map(read))
  return steps
}
