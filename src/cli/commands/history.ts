import type { Command } from 'commander'
import type { EventRecord } from '../../index.ts'
import { eventText } from '../render/event-text.ts'
import { withClient, withStore, type StoreOptions } from '../input/options.ts'
import { print, printJson } from '../render/output.ts'
import { findPid, type KeyOption, withPid } from './find-pid.ts'
import { columns } from '../render/table.ts'
import { elapsed } from '../render/time.ts'

/** The widest text of an event, in characters. */
const WIDEST = 120

export function addHistory(program: Command): void {
  withPid(withStore(program.command('history')))
    .description('Show the history of a process, oldest event first, with the time since its creation.')
    .action((text: string | undefined, options: StoreOptions & KeyOption) =>
      withClient(options.store, async (client) => {
        const records = await client.history(await findPid(client, text, options))
        if (options.json) printJson(records)
        else print(timeLine(records))
      }),
    )
}

/** Returns a line for each event, with the times since the creation and since the event before. */
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

/** A sleep makes two events: the step sleeps, and the process waits. Returns whether this is the second one. */
function repeats(record: EventRecord, before: EventRecord | undefined): boolean {
  return record.name === 'waiting' && before?.name === 'sleeping' && eventText(record) === eventText(before)
}
