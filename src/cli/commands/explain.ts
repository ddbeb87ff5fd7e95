import type { Command } from 'commander'
import { withClient, withStore, type StoreOptions } from '../input/options.ts'
import { print, printJson } from '../render/output.ts'
import { findPid } from './find-pid.ts'

export function addExplain(program: Command): void {
  withStore(program.command('explain'))
    .description('Say why a process is not moving.')
    .argument('<pid>', 'a process; the beginning of its pid will do')
    .action((start: string, options: StoreOptions) =>
      withClient(options.store, async (client) => {
        const pid = await findPid(client, start)
        const explanation = await client.explain(pid)
        if (options.json) printJson({ pid, explanation })
        else print(explanation)
      }),
    )
}
