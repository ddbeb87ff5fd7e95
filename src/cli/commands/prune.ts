import { Option, type Command } from 'commander'
import { type Client, isTerminal, type ListFilter } from '../../index.ts'
import { countOf, processes } from '../input/bulk.ts'
import { ENDED, filterOf, withFilters, type FilterOptions } from '../input/filters.ts'
import { duration, withClient, withStore, type StoreOptions } from '../input/options.ts'
import { note, print, printJson } from '../render/output.ts'
import { UsageError } from '../input/usage-error.ts'
import { paragraphs } from '../render/wrap.ts'

interface PruneOptions extends StoreOptions, FilterOptions {
  readonly olderThan?: number
  readonly yes?: true
  readonly dryRun?: true
}

export function addPrune(program: Command): void {
  withFilters(withStore(program.command('prune')))
    .description('Delete ended processes and everything that is stored about them.')
    .addOption(
      new Option(
        '--older-than <duration>',
        'only processes that ended at least this long ago, such as 12h or 30d',
      ).argParser(duration),
    )
    .option('--key <key>', 'only the process that was launched with this key')
    .option('--yes', 'delete them')
    .option('--dry-run', 'only count them (the default)')
    .addHelpText(
      'after',
      paragraphs('A deleted process can no longer be shown or restarted, and its key is free again.'),
    )
    .action((options: PruneOptions) => withClient(options.store, (client) => prune(client, options)))
}

async function prune(client: Client, options: PruneOptions): Promise<void> {
  if (options.yes && options.dryRun)
    throw new UsageError('--yes deletes and --dry-run does not: give one of them')
  const filter = pruneFilter(options, Date.now())
  if (options.yes) {
    const deleted = await client.prune(filter)
    if (options.json) printJson({ deleted })
    else print(`${processes(deleted)} deleted`)
    return
  }
  const count = await countOf(client, filter)
  if (options.json) printJson({ wouldDelete: count })
  else print(`${processes(count)} would be deleted`)
  if (count > 0) note('--yes deletes them')
}

/** @throws UsageError for a state of unfinished processes */
function pruneFilter(options: PruneOptions, now: number): ListFilter {
  const filter = filterOf(options, ENDED)
  const asked = [filter.state ?? []].flat()
  if (filter.paused || !asked.every(isTerminal))
    throw new UsageError(`only what has ended can be deleted: --state ${ENDED.join(',')}`)
  return { ...filter, ...(options.olderThan !== undefined && { endedBefore: now - options.olderThan }) }
}
