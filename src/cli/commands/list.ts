import type { Command } from 'commander'
import type { Client, ProcessSummary } from '../../index.ts'
import { collect } from './collect.ts'
import { filterOf, LIVE, withFilters, type FilterOptions } from '../input/filters.ts'
import { wholeNumber, withClient, withStore, type StoreOptions } from '../input/options.ts'
import { note, print, printJson } from '../render/output.ts'
import { findPid } from './find-pid.ts'
import { stateText } from '../render/state-text.ts'
import { columns } from '../render/table.ts'
import { ago } from '../render/time.ts'
import { statusText } from '../render/wait-text.ts'

interface ListOptions extends StoreOptions, FilterOptions {
  readonly parent?: string
  readonly text?: string
  readonly limit: number
  readonly all?: true
}

/** Columns that are omitted if they are empty. */
const OPTIONAL = ['ATTEMPT', 'LABEL']

export function addList(program: Command): void {
  withFilters(withStore(program.command('list').alias('ps')))
    .description('List processes, newest first; by default only those that have not ended.')
    .option('-a, --all', 'include processes that have ended')
    .option('--key <key>', 'only the process that was launched with this key, also if it has ended')
    .option('--parent <pid>', 'only the children of this process')
    .option('--text <text>', 'only processes with this text in pid, key, label, status or message')
    .option('-n, --limit <number>', 'show at most this many', wholeNumber, 50)
    .action((options: ListOptions) => withClient(options.store, (client) => list(client, options)))
}

async function list(client: Client, options: ListOptions): Promise<void> {
  const parent = options.parent === undefined ? undefined : await findPid(client, options.parent)
  const others = { parent, text: options.text }
  const filter = {
    ...filterOf(options, options.all || options.key !== undefined ? undefined : LIVE),
    ...others,
  }
  const { processes, more } = await collect(client, filter, options.limit)
  if (options.json) {
    printJson({ processes, more })
    return
  }
  if (processes.length > 0) print(processTable(processes, Date.now()))
  if (more) note(`there are more; --limit ${options.limit * 10} shows more of them`)
  if (processes.length === 0) {
    const ended = await client.count({ ...filterOf(options), ...others })
    const count = Object.values(ended).reduce((sum, one) => sum + one, 0)
    note(`no process matches${count === 0 ? '' : `; ${count} that ended would: --all shows them too`}`)
  }
}

/** Returns a table with a line for each process. Optional columns that are empty are omitted. */
export function processTable(processes: readonly ProcessSummary[], now: number): string {
  const rows = processes.map((one) => [
    one.pid,
    one.name,
    stateText(one.state),
    one.step ?? '',
    one.attempt > 1 ? String(one.attempt) : '',
    one.label ?? '',
    statusText(one, now),
    ago(one.created, now),
  ])
  const headings = ['PID', 'CLASS', 'STATE', 'STEP', 'ATTEMPT', 'LABEL', 'STATUS', 'AGE']
  const used = headings.map(
    (heading, index) => !OPTIONAL.includes(heading) || rows.some((row) => row[index] !== ''),
  )
  const keep = (row: readonly string[]): string[] => row.filter((_, index) => used[index])
  return columns(keep(headings), rows.map(keep))
}
