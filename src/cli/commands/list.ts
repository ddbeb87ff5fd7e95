import { type Command, Option } from 'commander'
import type { Client } from '../../index.ts'
import { collect } from '../read/collect.ts'
import { countOf } from '../input/bulk.ts'
import { filterOf, LIVE, withFilters, type FilterOptions } from '../input/filters.ts'
import { timeSince, wholeNumber, withClient, withStore, type StoreOptions } from '../input/options.ts'
import { note, printEscaped, printJson } from '../render/output.ts'
import { suggestion } from '../../shared/nearest.ts'
import { UsageError } from '../input/usage-error.ts'
import { listTable } from '../read/list-table.ts'
import { paragraphs } from '../render/wrap.ts'
import { findPid } from '../read/find-pid.ts'
import { requireGroup } from '../read/require-group.ts'

interface ListOptions extends StoreOptions, FilterOptions {
  readonly parent?: string
  readonly text?: string
  readonly limit: number
  readonly after?: string
  readonly since?: number
  readonly all?: true
}

const CONDITIONS = `
Conditions of --state:
  ready       could continue, but no engine runs it
  paused      is paused, by a person or after failures
  gave-up     is paused by failures or crashes, and not by a person
  pausing     has a pause that has not taken effect yet
  killing     has a kill that has not taken effect yet
  parked      its saved form can't be loaded
  failed      ended without success, killed ones included
  unrepaired  failed without being killed, and is not superseded`

export function addList(program: Command): void {
  withFilters(withStore(program.command('list').alias('ps')))
    .description('List processes, newest first; by default only those that have not ended.')
    .option('-a, --all', 'include processes that have ended')
    .option('--key <key>', 'only the process that was launched with this key, even if it has ended')
    .option('--parent <pid>', 'only the children of this process')
    .option('--text <text>', 'only processes with this text in pid, key, label, status or message')
    .addOption(
      new Option(
        '--since <time>',
        'only processes that were created since this date or within this duration, such as 2026-01-31 or 2h',
      ).argParser(timeSince),
    )
    .option('-n, --limit <number>', 'show at most this many', wholeNumber, 50)
    .option('--after <cursor>', 'continue after an earlier list, with the cursor that it printed')
    .addHelpText('after', paragraphs(CONDITIONS))
    .action((options: ListOptions) => withClient(options.store, (client) => list(client, options)))
}

async function list(client: Client, options: ListOptions): Promise<void> {
  const parent = options.parent === undefined ? undefined : await findPid(client, options.parent)
  const { after, since, text } = options
  const others = { parent, text, ...(since !== undefined && { since }) }
  const wanted = options.all || options.key !== undefined ? undefined : LIVE
  const filter = { ...filterOf(options, wanted), ...others }
  const { processes, next } = await collect(client, filter, options.limit, after).catch((error: unknown) => {
    if (!(error instanceof RangeError) || after === undefined) throw error
    throw new UsageError(`--after takes what a list with the same conditions printed, and not ${after}`)
  })
  if (options.json) {
    printJson({ processes, more: next !== undefined, ...(next !== undefined && { next }) })
    return
  }
  if (processes.length > 0) printEscaped(await listTable(client, processes))
  if (next !== undefined) note(`there are more: --after ${next} shows the next ones; or raise --limit`)
  if (processes.length === 0) {
    if (options.group !== undefined) await requireGroup(client, options.group)
    const count = await countOf(client, { ...filterOf(options), ...others })
    if (count > 0) note(`no process matches; ${count} that ended would: --all shows them too`)
    else note(`no process matches${await hint(client, options)}`)
  }
}

/** A hint for filters that match nothing. */
async function hint(client: Client, { class: name, text }: ListOptions): Promise<string> {
  if (name !== undefined) {
    const names = (await client.status()).classes.map((one) => one.name)
    if (!names.includes(name)) return `: there is no class '${name}' in this store${suggestion(name, names)}`
  }
  return text === undefined
    ? ''
    : ': --text searches pids, keys, labels, statuses and messages, but not inputs'
}
