import type { Command } from 'commander'
import type { Client, ListFilter } from '../../index.ts'
import { UsageError } from './usage-error.ts'
import { withFilters, type FilterOptions } from './filters.ts'

/**
 * The options of a command for given processes, or with `--all` or `--group` for those that match the
 * filters.
 */
export interface BulkOptions extends FilterOptions {
  readonly all?: true
  readonly dryRun?: true
}

/** Adds `--all`, the filters and `--dry-run`. `all` describes the processes that the command reaches. */
export function withBulk(command: Command, all: string): Command {
  return withFilters(command.option('--all', `${all}; the filters below select among them`)).option(
    '--dry-run',
    'with --all or --group: only list the processes that would be reached',
  )
}

/** Whether a command is for all that match. */
export function isBulk({ all, group }: BulkOptions): boolean {
  return all === true || group !== undefined
}

/** @throws UsageError unless there are either pids or `--all` */
export function requireTargets(
  starts: readonly string[],
  options: BulkOptions & { readonly key?: string | undefined },
  name: string,
): void {
  const named = starts.length > 0 || options.key !== undefined
  const filtered = options.state ?? options.class ?? options.label
  const { all, group, dryRun } = options
  if ((all || group !== undefined) && named)
    throw new UsageError(`give pids or --${all ? 'all' : 'group'}, not both`)
  if (dryRun && !all && group === undefined) throw new UsageError('--dry-run goes with --all or --group')
  if (group !== undefined) return
  if (!all && filtered !== undefined) throw new UsageError('--state, --class and --label go with --all')
  if (!all && !named)
    throw new UsageError(
      `say what to ${name}: pids, --key KEY, --group NAME, or --all with --state, --class and --label`,
    )
}

/** Returns how many processes match, in whatever state. */
export async function countOf(client: Client, filter: ListFilter): Promise<number> {
  return Object.values(await client.count(filter)).reduce((sum, one) => sum + one, 0)
}

export function processes(count: number): string {
  return `${count} ${count === 1 ? 'process' : 'processes'}`
}
