import type { Command } from 'commander'
import { withClient, withStore, type StoreOptions } from '../input/options.ts'
import { print, printJson } from '../render/output.ts'
import { findPid } from './find-pid.ts'

export function addExplain(program: Command): void {
  withStore(program.command('explain'))
    .description('Explain why a process is not moving.')
    .argument('<pid>', 'the pid of a process, or its first characters')
    .action((start: string, options: StoreOptions) =>
      withClient(options.store, async (client) => {
        const pid = await findPid(client, start)
        const explanation = await client.explain(pid)
        if (options.json) printJson({ pid, explanation })
        else print(explanation)
      }),
    )
}
