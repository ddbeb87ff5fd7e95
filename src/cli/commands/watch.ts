import { Option, type Command } from 'commander'
import { isTerminal } from '../../index.ts'
import { filterOf, LIVE, withFilters, type FilterOptions } from '../input/filters.ts'
import { duration, wholeNumber, withClient, withStore, type StoreOptions } from '../input/options.ts'
import { ExitCode } from '../input/exit-code.ts'
import { note, printJson } from '../render/output.ts'
import { paragraphs } from '../render/wrap.ts'
import { collect } from '../read/collect.ts'
import { requireGroup } from '../read/require-group.ts'
import { findPid, type KeyOption, withPid } from '../read/find-pid.ts'
import type { Client } from '../../index.ts'

interface WatchOptions extends StoreOptions, FilterOptions, KeyOption {
  readonly key?: string
  readonly limit: number
  readonly timeout?: number
  readonly quiet?: true
}

export function addWatch(program: Command): void {
  withFilters(withPid(withStore(program.command('watch'))))
    .description(
      'Show the progress of a process, or of all that match the filters, until they have ended; by default of all unfinished ones. With --group, ended members count too.',
    )
    .option('-n, --limit <number>', 'watch at most this many, the newest', wholeNumber, 10_000)
    .addOption(
      new Option('--timeout <duration>', 'stop watching after this time, such as 90s').argParser(duration),
    )
    .option('-q, --quiet', 'show nothing, and only wait')
    .addHelpText(
      'after',
      paragraphs(
        'Draws bars on a terminal, and prints a line for each change elsewhere. Exits with 1 if a process failed or the time limit passed.',
      ),
    )
    .action((text: string | undefined, options: WatchOptions) =>
      withClient(options.store, async (client) => {
        process.exitCode = await watch(client, text, options)
      }),
    )
}

async function watch(client: Client, text: string | undefined, options: WatchOptions): Promise<number> {
  const pids =
    text === undefined && options.key === undefined
      ? await matching(client, options)
      : [await findPid(client, text, options)]
  const group = client.group(pids)
  if (pids.length === 0) note('no process matches')
  const { timeout } = options
  const out = options.quiet || options.json || pids.length === 0 ? NOWHERE : process.stdout
  const haveEnded = await group.waitInteractive({ timeout, out })
  const { completed, total, byState, lost } = group.progress
  if (options.json) printJson({ completed, total, byState, lost })
  const succeeded = group.statuses.every((state) => isTerminal(state.label) && state.successful)
  return haveEnded && succeeded ? ExitCode.DONE : ExitCode.FAILED
}

const NOWHERE = { write: (): void => {} }

async function matching(client: Client, options: WatchOptions): Promise<readonly string[]> {
  const { group, limit } = options
  if (group !== undefined) await requireGroup(client, group)
  // Of a group, how far the whole is counts.
  const { processes } = await collect(
    client,
    filterOf(options, group === undefined ? LIVE : undefined),
    limit,
  )
  // Oldest first.
  return processes.map(({ pid }) => pid).toReversed()
}
