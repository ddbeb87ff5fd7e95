import { createRequire } from 'node:module'
import { Command, CommanderError } from 'commander'
import { addActors } from './commands/actors.ts'
import { addRetryRestartResubmit } from './commands/retry-restart-resubmit.ts'
import { addPausePlayKill } from './commands/pause-play-kill.ts'
import { addEdit } from './commands/edit.ts'
import { addDescribe } from './commands/describe.ts'
import { addExplain } from './commands/explain.ts'
import { addGraph } from './commands/graph.ts'
import { addGroups } from './commands/groups.ts'
import { addHistory } from './commands/history.ts'
import { addList } from './commands/list.ts'
import { addLogs } from './commands/logs.ts'
import { note } from './render/output.ts'
import { addPrune } from './commands/prune.ts'
import { addRun } from './commands/run.ts'
import { addShow } from './commands/show.ts'
import { addSignalAndResume } from './commands/signal-resume.ts'
import { addStatus } from './commands/status.ts'
import { paragraphs } from './render/wrap.ts'
import { printable } from '../shared/terminal-text.ts'
import { addTree } from './commands/tree.ts'
import { addWatch } from './commands/watch.ts'
import { addWorker } from './commands/worker.ts'
import { codeOf, ExitCode } from './input/exit-code.ts'
import { describeError } from './input/usage-error.ts'

const HELP = `
Exit codes:
  0    done
  1    the process failed (it excepted, was killed, or did not succeed),
       the time limit passed, or there was nothing to do
  2    wrong arguments or options
  130  stopped by Ctrl-C before the process ended
  141  the reader of the output closed it

To let a process continue:
  signal    one that waits for a signal: it gets the signal
  resume    one that waits to be resumed: its wait ends
  play      one that is paused or parked: it continues from where it is
  retry     one that failed: its step runs again; one that ended is restarted
  restart   one that ended: a new process continues from its last step
  resubmit  one that ended: a new process starts from its inputs

Begin with damson status: it shows what needs attention, and the command to run next. Every command accepts --json,
which writes one JSON document to stdout and nothing else; worker and --follow write one for each event.`

/** Runs the command line and resolves to the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const program = damson()
  if (args.length === 0) {
    program.outputHelp({ error: true })
    return ExitCode.USAGE_ERROR
  }
  try {
    await program.parseAsync(args, { from: 'user' })
    return Number(process.exitCode ?? ExitCode.DONE)
  } catch (error) {
    // Commander has already reported the error.
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.DONE : ExitCode.USAGE_ERROR
    note(describeError(error))
    return codeOf(error)
  }
}

function damson(): Command {
  const program = new Command('damson')
    .description(
      'Runs, shows and controls persistent processes in a store: an SQLite file, or a Postgres server.',
    )
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .addHelpText('after', paragraphs(HELP))
    .showHelpAfterError('(--help lists the commands and options)')
    .exitOverride()
    // The longest list of arguments leaves less than the 40 columns below which nothing is wrapped.
    .configureHelp({ minWidthToWrap: 30 })
    .configureOutput({
      writeOut: (text) => process.stdout.write(printable(text)),
      writeErr: (text) => process.stderr.write(printable(text)),
    })
  addRun(program)
  addWorker(program)
  addStatus(program)
  addList(program)
  addTree(program)
  addShow(program)
  addGroups(program)
  addActors(program)
  addPausePlayKill(program)
  addSignalAndResume(program)
  addRetryRestartResubmit(program)
  addEdit(program)
  addPrune(program)
  addDescribe(program)
  addGraph(program)
  addHistory(program)
  addLogs(program)
  addWatch(program)
  addExplain(program)
  return program
}

function version(): string {
  const manifest = createRequire(import.meta.url)('../../package.json') as { readonly version: string }
  return manifest.version
}
