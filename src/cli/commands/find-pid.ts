import type { Client, ProcessSummary } from '../../index.ts'
import { stateText } from '../render/state-text.ts'
import { columns } from '../render/table.ts'
import { UsageError } from '../input/usage-error.ts'

/** Candidates that are shown, at most. */
const SHOWN = 10

/** Returns the pid that starts with this text. @throws UsageError unless there is exactly one */
export async function findPid(client: Client, start: string): Promise<string> {
  if (start !== '' && (await client.find(start)) !== undefined) return start
  const found = await beginningWith(client, start)
  const [first, second] = found
  if (first === undefined) {
    throw new UsageError(`there is no process ${start} in this store; damson list --all shows what there is`)
  }
  if (second === undefined) return first.pid
  const rows = found.slice(0, SHOWN).map((one) => [one.pid, one.name, stateText(one.state)])
  const more = found.length > SHOWN ? '\n…' : ''
  throw new UsageError(
    `several pids begin with ${start}; give more of it\n${columns(['PID', 'CLASS', 'STATE'], rows)}${more}`,
  )
}

export async function findPids(client: Client, starts: readonly string[]): Promise<readonly string[]> {
  const pids = await Promise.all(starts.map((start) => findPid(client, start)))
  return [...new Set(pids)]
}

async function beginningWith(client: Client, start: string): Promise<readonly ProcessSummary[]> {
  const found: ProcessSummary[] = []
  let after: string | undefined
  do {
    const page = await client.list({ text: start, limit: 1000, after })
    found.push(...page.processes.filter(({ pid }) => pid.startsWith(start)))
    after = page.next
  } while (after !== undefined && found.length <= SHOWN)
  return found
}
