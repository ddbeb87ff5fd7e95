import { Option, type Command } from 'commander'
import { type Client, type EventRecord, type HistoryOptions } from '../../index.ts'
import { eventText } from '../render/event-text.ts'
import { withClient, withStore, wholeNumber, type StoreOptions } from '../input/options.ts'
import { note, printEscaped, printJson } from '../render/output.ts'
import { findPid, type KeyOption, withPid } from '../read/find-pid.ts'
import { stateText } from '../render/state-text.ts'
import { watchUntil } from '../read/wait-until.ts'
import { PLAIN, type Screen, screenOf } from '../render/screen.ts'
import { columns } from '../render/table.ts'
import { elapsed } from '../render/time.ts'

/** The widest text of an event, in characters. */
const WIDEST = 400
/** How many events are read and printed at a time. */
const PAGE = 1_000

interface ShownOptions extends StoreOptions, KeyOption {
  readonly limit?: number
  readonly follow?: true
}

export function addHistory(program: Command): void {
  withPid(withStore(program.command('history')))
    .description('Show the history of a process, oldest event first, with the time since its creation.')
    .addOption(new Option('--limit <n>', 'only the newest n events').argParser(wholeNumber))
    .option('--follow', 'continue with each new event until the process has ended')
    .action((text: string | undefined, options: ShownOptions) =>
      withClient(options.store, async (client) => {
        const pid = await findPid(client, text, options)
        if (options.json && !options.follow) {
          printJson(await client.history(pid, newest(options)))
          return
        }
        const [creation] = options.limit === undefined ? [] : await client.history(pid, { limit: 1 })
        const printer = new HistoryPrinter(options, creation?.at)
        const last = await printNew(client, pid, printer, newest(options))
        if (options.follow) await follow(client, pid, printer, last)
        if (!options.json) await noteNow(client, pid)
      }),
    )
}

/** What the history lacks: a claim writes no event, and a restart writes none to the old process. */
async function noteNow(client: Client, pid: string): Promise<void> {
  const found = await client.find(pid)
  if (found === undefined) return
  if (found.engine !== null) note(`now with engine ${found.engine}`)
  const successor = await client.supersededBy(pid)
  if (successor !== undefined) note(`superseded by ${successor.pid} (${stateText(successor.state)})`)
}

function newest({ limit }: ShownOptions): HistoryOptions {
  return limit === undefined ? {} : { last: limit }
}

/**
 * Prints events a page at a time, from the first one unless the options select others. Returns the
 * number of the last.
 */
async function printNew(
  client: Client,
  pid: string,
  printer: HistoryPrinter,
  { last, after = 0 }: HistoryOptions,
): Promise<number> {
  let page = await client.history(pid, last === undefined ? { after, limit: PAGE } : { last })
  let shown = after
  while (page.length > 0) {
    printer.print(page)
    shown = page.at(-1)?.n ?? shown
    page = await client.history(pid, { after: shown, limit: PAGE })
  }
  return shown
}

/** Prints each event that comes, until the process has ended or is gone. */
async function follow(client: Client, pid: string, printer: HistoryPrinter, last: number): Promise<void> {
  await watchUntil(client, client.handle(pid), async () => {
    const found = await client.find(pid)
    last = await printNew(client, pid, printer, { after: last })
    return found === undefined || found.state.terminal
  })
}

/** Prints a line for each event, with the times since the creation and since the event before. */
class HistoryPrinter {
  readonly #json: boolean
  readonly #screen = screenOf()
  /** When the process was created. */
  #begin: Date | undefined
  #before: EventRecord | undefined
  #hasHeading = false

  /** `begin` is the time of the creation, if the first event to be printed is another one. */
  constructor({ json }: ShownOptions, begin: Date | undefined) {
    this.#json = json === true
    this.#begin = begin
  }

  print(records: readonly EventRecord[]): void {
    this.#begin ??= records[0]?.at
    if (this.#json) for (const record of records) printJson(record)
    else {
      const [heading, ...lines] = timeLine(records, this.#begin, this.#before, this.#screen).split('\n')
      const shown = this.#hasHeading ? lines : [heading, ...lines]
      if (shown.length > 0) printEscaped(shown.join('\n'))
      this.#hasHeading = true
    }
    this.#before = records.at(-1)
  }
}

/** Returns a heading, and a line for each event; `begin` is the time of the creation, `before` the event before. */
export function timeLine(
  records: readonly EventRecord[],
  begin: Date | undefined = records[0]?.at,
  before?: EventRecord,
  screen: Screen = PLAIN,
): string {
  const shown = records.filter((record, index) => !repeats(record, index === 0 ? before : records[index - 1]))
  const rows = shown.map((record, index) => {
    const at = record.at.getTime()
    const previous = index === 0 ? before : shown[index - 1]
    return [
      record.at.toISOString(),
      elapsed(at - (begin?.getTime() ?? at)),
      previous === undefined ? '' : `+${elapsed(at - previous.at.getTime())}`,
      eventText(record),
      record.worker ?? '',
    ]
  })
  const headings = [
    'TIME',
    { heading: 'SINCE START', align: 'right' as const, drop: 2 },
    { heading: 'SINCE LAST', align: 'right' as const },
    { heading: 'WHAT', most: WIDEST, least: 40, wraps: true },
    { heading: 'BY', least: 7, cut: 'start' as const, drop: 1 },
  ]
  return columns(headings, rows, screen)
}

/** A sleep makes two events: the step sleeps, and the process waits. Returns whether this is the second one. */
function repeats(record: EventRecord, before: EventRecord | undefined): boolean {
  return record.name === 'waiting' && before?.name === 'sleeping' && eventText(record) === eventText(before)
}
