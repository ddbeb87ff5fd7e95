import type { Command } from 'commander'
import { withClient, withStore, type StoreOptions } from '../input/options.ts'
import { print, printJson } from '../render/output.ts'
import { inJson, inWords } from '../render/process-facts.ts'
import { findPid } from './find-pid.ts'

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
      withClient(options.store, async (client) => {
        const details = await client.inspect(await findPid(client, start))
        const { awaited, kept, children } = details
        if (options.json) printJson({ ...inJson(details), awaited, kept, children })
        else print(inWords(details, Date.now()))
      }),
    )
}
