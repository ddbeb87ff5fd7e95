import type { Command } from 'commander'
import { Codec } from '../bundle/codec.ts'
import type { Client } from '../client/client.ts'
import { withClient, withStore, type StoreOptions } from './options.ts'
import { print, printJson } from './output.ts'
import { findPid } from './pids.ts'
import { inJson, inWords } from './process-facts.ts'
import { WrongUse } from './wrong-use.ts'

export function addShow(program: Command): void {
  withStore(program.command('show'))
    .description('Show all there is to know of a process: its state, inputs, outputs and how it ended.')
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
  const stored = await client.store.load(pid)
  if (stored === undefined) throw new WrongUse(`there is no process ${pid} in this store any more`)
  if (options.json) printJson(inJson(stored))
  else print(inWords(stored, new Codec()))
}
