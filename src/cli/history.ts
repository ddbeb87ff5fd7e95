import type { Command } from 'commander'
import type { EventRecord } from '../process/handle.ts'
import { withClient, withStore, type StoreOptions } from './options.ts'
import { print, printJson } from './output.ts'
import { findPid } from './pids.ts'
import { columns } from './table.ts'
import { elapsed } from './time.ts'

export function addHistory(program: Command): void {
  withStore(program.command('history'))
    .description('Show what happened to a process, oldest first, with the time since it was created.')
    .argument('<pid>', 'a process; the beginning of its pid will do')
    .action((start: string, options: StoreOptions) =>
      withClient(options.store, async (client) => {
        const records = await client.history(await findPid(client, start))
        if (options.json) printJson(records)
        else print(timeLine(records))
      }),
    )
}

function timeLine(records: readonly EventRecord[]): string {
  const begin = records[0]?.at.getTime() ?? 0
  const rows = records.map((record, index) => {
    const at = record.at.getTime()
    const since = at - (records[index - 1]?.at.getTime() ?? at)
    return [
      record.at.toISOString(),
      elapsed(at - begin),
      index === 0 ? '' : `+${elapsed(since)}`,
      record.name,
      details(record.data),
      record.worker ?? '',
    ]
  })
  return columns(['TIME', 'SINCE START', 'SINCE LAST', 'EVENT', 'DETAILS', 'BY'], rows)
}

/** `{ step: 'check', attempt: 2 }` as `step check, attempt 2`. */
function details(data: unknown): string {
  if (data === undefined || data === null) return ''
  if (typeof data !== 'object') return JSON.stringify(data)
  return Object.entries(data)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ')
}
