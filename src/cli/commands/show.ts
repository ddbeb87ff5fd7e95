import type { Command } from 'commander'
import { withClient, withStore, type StoreOptions } from '../input/options.ts'
import { print, printJson } from '../render/output.ts'
import { inJson, inWords } from '../render/process-facts.ts'
import { findPid, type KeyOption, withPid } from './find-pid.ts'

export function addShow(program: Command): void {
  withPid(withStore(program.command('show')))
    .description(
      'Show what is stored about a process: its step, what it waits for, its inputs and outputs, and how it ended.',
    )
    .addHelpText(
      'after',
      '\nWith --json, values are in their saved form: plain JSON as it is, other values as {"$": "Date", ...}.',
    )
    .action((text: string | undefined, options: StoreOptions & KeyOption) =>
      withClient(options.store, async (client) => {
        const details = await client.inspect(await findPid(client, text, options))
        const { awaited, kept, children } = details
        if (options.json) printJson({ ...inJson(details), awaited, kept, children })
        else print(inWords(details, Date.now()))
      }),
    )
}
