import type { Command } from 'commander'
import type { LogChunk } from '../../index.ts'
import { withClient, withStore, type StoreOptions } from '../input/options.ts'
import { printJson, printLog } from '../render/output.ts'
import { paragraphs } from '../render/wrap.ts'
import { findPid, type KeyOption, withPid } from '../read/find-pid.ts'

interface LogsOptions extends StoreOptions, KeyOption {
  readonly follow?: true
}

export function addLogs(program: Command): void {
  withPid(withStore(program.command('logs')))
    .description('Print what a process has printed and logged: its stdout to stdout, its stderr to stderr.')
    .option('--follow', 'continue with each new line until the process has ended')
    .addHelpText(
      'after',
      paragraphs('A step that runs again prints again; --json shows the time and the attempt of each line.'),
    )
    .action((text: string | undefined, options: LogsOptions) =>
      withClient(options.store, async (client) => {
        const handle = client.handle(await findPid(client, text, options))
        const { follow = false } = options
        const all: LogChunk[] = []
        for await (const chunk of handle.logs({ follow })) {
          if (!options.json) printLog(chunk.text, chunk.stream)
          else if (follow) printJson(chunk)
          else all.push(chunk)
        }
        if (options.json && !follow) printJson(all)
      }),
    )
}
