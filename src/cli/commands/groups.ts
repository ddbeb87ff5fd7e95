import type { Command } from 'commander'
import {
  isTerminal,
  ProcessLost,
  type Client,
  type GroupRow,
  type ProcessDetails,
  type ProcessState,
} from '../../index.ts'
import { wholeNumber, withClient, withStore, type StoreOptions } from '../input/options.ts'
import { facts, note, pretty, printEscaped, printJson } from '../render/output.ts'
import { inJson } from '../render/process-facts.ts'
import { screenOf } from '../render/screen.ts'
import { processStateText, stateStyle } from '../render/state-text.ts'
import { columns } from '../render/table.ts'
import { printable } from '../../shared/terminal-text.ts'
import { paragraphs } from '../render/wrap.ts'
import { ago } from '../render/time.ts'
import { shellWord } from '../render/shell-word.ts'
import { requireGroup } from '../read/require-group.ts'
import { ExitCode } from '../input/exit-code.ts'
import { UsageError } from '../input/usage-error.ts'

interface GroupsOptions extends StoreOptions {
  readonly limit: number
  readonly after?: string
}

/** Adds `groups` and `results`. */
export function addGroups(program: Command): void {
  withStore(program.command('groups'))
    .description('List the groups of processes that were launched together, newest first.')
    .option('-n, --limit <number>', 'show at most this many', wholeNumber, 20)
    .option('--after <cursor>', 'continue after an earlier list, with the cursor that it printed')
    .action((options: GroupsOptions) => withClient(options.store, (client) => listGroups(client, options)))
  withStore(program.command('results'))
    .description('Print the results of a group, in the order of its inputs.')
    .requiredOption('--group <name>', 'the name of the group')
    .addHelpText(
      'after',
      paragraphs(
        'Does not wait. Exits with 1 if a process has failed or has not ended. With --json, values are in their saved form.',
      ),
    )
    .action(async (options: StoreOptions & { readonly group: string }) => {
      process.exitCode = await withClient(options.store, (client) =>
        printResults(client, options.group, options.json === true),
      )
    })
}

async function listGroups(client: Client, options: GroupsOptions): Promise<void> {
  const { rows, next } = await client.store.groups(options).catch((error: unknown) => {
    if (!(error instanceof RangeError)) throw error
    throw new UsageError(`--after takes what an earlier list printed, and not ${options.after}`)
  })
  const groups = await Promise.all(rows.map((row) => stateOf(client, row)))
  if (options.json) {
    printJson({ groups: groups.map(groupJson), ...(next !== undefined && { next }) })
    return
  }
  if (groups.length === 0) note('there are no groups')
  else {
    const cells = groups.map((group) => [
      printable(group.row.name),
      sizeText(group.row),
      countsText(group),
      ago(new Date(group.row.createdAt), Date.now()),
    ])
    const headings = [
      { heading: 'GROUP', least: 8 },
      { heading: 'PROCESSES', align: 'right' as const },
      { heading: 'STATES', least: 10 },
      { heading: 'AGE', align: 'right' as const },
    ]
    printEscaped(columns(headings, cells, screenOf()))
  }
  if (next !== undefined) note(`there are more: --after ${next} shows the next ones`)
}

/** `damson show --group`. @throws UsageError if there is no such group */
export async function showGroup(client: Client, name: string, inJsonForm: boolean): Promise<void> {
  const group = await stateOf(client, await requireGroup(client, name))
  if (inJsonForm) {
    printJson(groupJson(group))
    return
  }
  const { row } = group
  const created = new Date(row.createdAt)
  const lines = facts(
    [
      ['group', row.name],
      ['processes', sizeText(row)],
      ['states', countsText(group)],
      ['launched by', row.parent],
      ['created', `${created.toISOString()} (${ago(created, Date.now())} ago)`],
    ],
    screenOf(),
  )
  printEscaped(lines)
  const word = shellWord(row.name)
  note(`the processes: damson list --all --group ${word}`)
  note(`the results:   damson results --group ${word}`)
}

/** Prints the results of a group and returns the exit code for them. */
export async function printResults(client: Client, name: string, inJsonForm: boolean): Promise<number> {
  await requireGroup(client, name)
  const { pids } = await client.openGroup({ name })
  const found: (ProcessDetails | undefined)[] = []
  for (let start = 0; start < pids.length; start += AT_A_TIME)
    found.push(
      ...(await Promise.all(pids.slice(start, start + AT_A_TIME).map((pid) => detailsOf(client, pid)))),
    )
  if (inJsonForm) {
    printJson({
      group: name,
      results: found.map((details, position) => resultJson(details, pids[position] as string)),
    })
  } else if (pids.length > 0) {
    const short = await shortPids(client, pids)
    const rows = found.map((details, position) => {
      const pid = pids[position] as string
      const state = details === undefined ? 'lost' : processStateText(details)
      return [String(position), short.get(pid) ?? pid, state, resultText(details)]
    })
    const headings = [
      { heading: '#', align: 'right' as const },
      { heading: 'PID', least: 13 },
      { heading: 'STATE', most: 30, style: stateStyle },
      { heading: 'RESULT', most: 200, least: 10 },
    ]
    printEscaped(columns(headings, rows, screenOf()))
  }
  return found.every((details) => details?.state.successful === true && details.dropped === null)
    ? ExitCode.DONE
    : ExitCode.FAILED
}

/** How many processes are read together, and how many pids are shortened together. */
const AT_A_TIME = 50
const PIDS_AT_A_TIME = 1_000

async function shortPids(client: Client, pids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const short = new Map<string, string>()
  for (let start = 0; start < pids.length; start += PIDS_AT_A_TIME) {
    const some = await client.shortPids(pids.slice(start, start + PIDS_AT_A_TIME))
    for (const [pid, ending] of some) short.set(pid, ending)
  }
  return short
}

async function detailsOf(client: Client, pid: string): Promise<ProcessDetails | undefined> {
  try {
    return await client.inspect(pid)
  } catch (error) {
    if (error instanceof ProcessLost) return undefined
    throw error
  }
}

function resultJson(details: ProcessDetails | undefined, pid: string): object {
  if (details === undefined) return { pid, state: 'lost', successful: false }
  const { state, successful, exitCode, result, outputs, error, message, dropped } = inJson(details) as Record<
    string,
    unknown
  >
  return { pid, state, successful, exitCode, result, outputs, error, message, dropped }
}

/** The result in one line; of a process that failed, why. */
function resultText(details: ProcessDetails | undefined): string {
  if (details === undefined) return 'it was pruned'
  const { state, message, values, dropped } = details
  if (!isTerminal(state.label)) return ''
  if (dropped !== null) return `it was dropped: ${dropped.why}`
  if (!state.successful) return printable(state.exitCode?.message ?? message ?? '')
  const value = values.result ?? values.outputs
  return value == null ? '' : pretty(value).replaceAll(/\s*\n\s*/g, ' ')
}

interface GroupState {
  readonly row: GroupRow
  readonly counts: Readonly<Record<ProcessState, number>>
}

async function stateOf(client: Client, row: GroupRow): Promise<GroupState> {
  return { row, counts: await client.count({ group: row.name }) }
}

function sizeText({ launched, length, chunkSize }: GroupRow): string {
  if (length === null) return `${launched}, not all launched`
  return chunkSize === 1 ? String(length) : `${launched} for ${length} inputs`
}

/** For example `3 finished, 1 running, 2 pruned`. */
function countsText({ row, counts }: GroupState): string {
  const present = Object.values(counts).reduce((sum, count) => sum + count, 0)
  const pruned = row.launched - present
  return [...Object.entries(counts), ['pruned', pruned] as const]
    .flatMap(([state, count]) => (count > 0 ? [`${count} ${state}`] : []))
    .join(', ')
}

function groupJson({ row, counts }: GroupState): object {
  const { createdAt, ...rest } = row
  return { ...rest, created: new Date(createdAt), states: counts }
}
