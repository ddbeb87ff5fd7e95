import type { Client, ProcessSummary } from '../../index.ts'
import { stepsOfFailures } from './steps-of-failures.ts'
import { successorsOf } from './successors.ts'
import { processTable } from '../render/process-table.ts'
import { screenOf } from '../render/screen.ts'
import { namedIn } from '../render/wait-text.ts'

/** Returns a table of processes with what they wait for, where they failed, and their successors. */
export async function listTable(client: Client, processes: readonly ProcessSummary[]): Promise<string> {
  const [successors, awaited, endedIn] = await Promise.all([
    successorsOf(client, processes),
    awaitedBy(client, processes),
    stepsOfFailures(client, processes),
  ])
  const pids = await client.shortPids([
    ...pidsIn(processes, awaited),
    ...pidsIn([...successors.values()], awaited),
  ])
  return processTable(processes, Date.now(), { pids, awaited, successors, endedIn, screen: screenOf() })
}

/** The unfinished processes that each process waits for, by its pid. */
type Awaited = ReadonlyMap<string, readonly string[]>

/** Reads what processes wait for between their steps, or before the first. */
async function awaitedBy(client: Client, processes: readonly ProcessSummary[]): Promise<Awaited> {
  const waiting = processes.filter(
    ({ waits, state, engine }) =>
      engine === null && (state.reason === 'inputs' || (waits?.on ?? null) !== null),
  )
  const read = waiting.map(async ({ pid }) => [pid, (await client.store.pending(pid)).on] as const)
  return new Map(await Promise.all(read))
}

/** The pids that a table of these processes has. */
function pidsIn(processes: readonly ProcessSummary[], awaited: Awaited): readonly string[] {
  return processes.flatMap(({ pid, state }) => {
    const [first, ...others] = awaited.get(pid) ?? namedIn(state.message) ?? []
    return first === undefined || others.length > 0 ? [pid] : [pid, first]
  })
}
