import { createRequire } from 'node:module'
import { Command, CommanderError } from 'commander'
import { addAgain } from './again.ts'
import { addControl } from './control.ts'
import { addDescribe } from './describe.ts'
import { addExplain } from './explain.ts'
import { addGraph } from './graph.ts'
import { addHistory } from './history.ts'
import { addList } from './list.ts'
import { note } from './output.ts'
import { addPrune } from './prune.ts'
import { addRun } from './run.ts'
import { addShow } from './show.ts'
import { addSignal } from './signal.ts'
import { printable } from './terminal-text.ts'
import { addTree } from './tree.ts'
import { addWorker } from './worker.ts'
import { codeOf, describeError, ExitCode } from './wrong-use.ts'

const EXIT_CODES = `
Exit codes: 0 done; 1 the process failed (it excepted, was killed, did not succeed), or what was waited for did not come;
2 wrong use; 130 stopped by Ctrl-C before the process had ended; 141 the reader of the output has gone.
Every command takes --json: one JSON document on stdout, and nothing else there.`

/** Runs the command line; resolves to the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const program = damson()
  if (args.length === 0) {
    program.outputHelp({ error: true })
    return ExitCode.WRONG_USE
  }
  try {
    await program.parseAsync(args, { from: 'user' })
    return Number(process.exitCode ?? ExitCode.DONE)
  } catch (error) {
    // Commander has said what was wrong already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.DONE : ExitCode.WRONG_USE
    note(describeError(error))
    return codeOf(error)
  }
}

function damson(): Command {
  const program = new Command('damson')
    .description('Runs, shows and controls persistent processes in an SQLite file.')
    .version(version(), '-V, --version', 'say the version')
    .helpOption('-h, --help', 'say how it is used')
    .helpCommand('help [command]', 'say how a command is used')
    .addHelpText('after', EXIT_CODES)
    .showHelpAfterError('(--help says what there is)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => process.stdout.write(printable(text)),
      writeErr: (text) => process.stderr.write(printable(text)),
    })
  addRun(program)
  addWorker(program)
  addList(program)
  addTree(program)
  addShow(program)
  addControl(program)
  addSignal(program)
  addAgain(program)
  addPrune(program)
  addDescribe(program)
  addGraph(program)
  addHistory(program)
  addExplain(program)
  return program
}

function version(): string {
  const manifest = createRequire(import.meta.url)('../../package.json') as { readonly version: string }
  return manifest.version
}
