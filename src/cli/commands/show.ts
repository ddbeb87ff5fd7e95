import type { Command } from 'commander'
import { type Client, Codec } from '../../index.ts'
import type { StoredProcess } from '../../persistence/contract/rows.ts'
import { currentRow } from '../render/current-row.ts'
import { withClient, withStore, type StoreOptions } from '../input/options.ts'
import { print, printJson } from '../render/output.ts'
import { findPid } from './find-pid.ts'
import { inJson, inWords, type Surroundings } from '../render/process-facts.ts'
import { UsageError } from '../input/usage-error.ts'

export function addShow(program: Command): void {
  withStore(program.command('show'))
    .description(
      'Show all there is to know of a process: where it is, what it waits for, its inputs and outputs, how it ended.',
    )
    .argument('<pid>', 'a process; the beginning of its pid will do')
    .addHelpText(
      'after',
      '\nWith --json, values are as they are saved: plain JSON as it is, other values as {"$": "Date", ...}.',
    )
    .action((start: string, options: StoreOptions) =>
      withClient(options.store, async (client) => showProcess(client, await findPid(client, start), options)),
    )
}

async function showProcess(client: Client, pid: string, options: StoreOptions): Promise<void> {
  await currentRow(client, pid)
  const stored = await client.store.load(pid)
  if (stored === undefined) throw new UsageError(`there is no process ${pid} in this store any more`)
  const around = await surroundings(client, stored)
  const { pending, children } = around
  if (options.json) printJson({ ...inJson(stored), awaited: pending.on, kept: pending.mail, children })
  else print(inWords(stored, around, new Codec(), Date.now()))
}

/** What stands beside a process in its store. */
export async function surroundings(client: Client, { row }: StoredProcess): Promise<Surroundings> {
  const { store } = client
  const [pending, children, history] = await Promise.all([
    store.pending(row.pid),
    store.count({ parent: row.pid }),
    row.attempt > 1 ? client.history(row.pid) : [],
  ])
  const failed = history.findLast(({ name }) => name === 'failed')?.data as
    { readonly attempts: number } | undefined
  return { pending, children, attempts: failed?.attempts }
}
