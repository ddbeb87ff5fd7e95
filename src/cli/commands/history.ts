import type { Command } from 'commander'
import type { EventRecord } from '../../index.ts'
import { eventText } from '../render/event-text.ts'
import { withClient, withStore, type StoreOptions } from '../input/options.ts'
import { print, printJson } from '../render/output.ts'
import { findPid } from './find-pid.ts'
import { columns } from '../render/table.ts'
import { elapsed } from '../render/time.ts'

/** Characters of what happened, at most. */
const WIDEST = 120

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

/** What happened, a line each, with the times since the creation and since the line before. */
export function timeLine(records: readonly EventRecord[]): string {
  const begin = records[0]?.at.getTime() ?? 0
  const told = records.filter((record, index) => !repeats(record, records[index - 1]))
  const rows = told.map((record, index) => {
    const at = record.at.getTime()
    const since = at - (told[index - 1]?.at.getTime() ?? at)
    return [
      record.at.toISOString(),
      elapsed(at - begin),
      index === 0 ? '' : `+${elapsed(since)}`,
      eventText(record),
      record.worker ?? '',
    ]
  })
  return columns(['TIME', 'SINCE START', 'SINCE LAST', 'WHAT', 'BY'], rows, WIDEST)
}

/** A step that goes to sleep is told of twice: that it sleeps, and that the process waits for it. */
function repeats(record: EventRecord, before: EventRecord | undefined): boolean {
  return record.name === 'waiting' && before?.name === 'sleeping' && eventText(record) === eventText(before)
}
