import { Option, type Command } from 'commander'
import { Client, ClosedError, Engine, type ProcessDetails, type ProcessHandle } from '../../index.ts'
import { readInputs } from '../input/read-inputs.ts'
import { loadClasses, pick, type ProcessClasses } from '../input/load-module.ts'
import { stderrLogger } from '../render/stderr-logger.ts'
import { withStore, type StoreOptions } from '../input/options.ts'
import { keepStdoutClean, note, pretty, print, printJson } from '../render/output.ts'
import { inJson } from '../render/process-facts.ts'
import { showProgress } from '../render/progress.ts'
import { onStop } from '../input/stop-signal.ts'
import { ExitCode } from '../input/usage-error.ts'

interface RunOptions extends StoreOptions {
  readonly inputs?: string
  readonly key?: string
  readonly label?: string
  readonly wait: boolean
}

/** What a shell sees of a program that Ctrl-C has ended. */
const INTERRUPTED = 130

export function addRun(program: Command): void {
  withStore(program.command('run'))
    .description('Launch a process and run it here to its end; then print its outputs.')
    .argument('<module>', 'a TypeScript or JavaScript file that exports process classes')
    .argument('[class]', 'which of its classes, where it exports several')
    .option('-i, --inputs <file|json>', `a file of JSON, - for stdin, or the JSON itself: '{"a": 1}'`)
    .option('--key <key>', 'launch it once: with the same key, class and inputs it is the same process')
    .option('--label <text>', 'shown in lists')
    .addOption(new Option('--no-wait', 'only store it, for a worker to run, and print its pid'))
    .addHelpText(
      'after',
      `
While it runs, it goes on with all that is ready in the store for the classes of this module. The first Ctrl-C lets the
step that runs end (30 s at most) and leaves the process in the store, the second ends the program at once; the process goes
on with damson worker, or with the same --key. Inputs that JSON does not have are given as they are saved:
{"$": "Date", "value": "2026-01-31T12:00:00.000Z"}.`,
    )
    .action(async (path: string, name: string | undefined, options: RunOptions) => {
      if (options.json) keepStdoutClean()
      const classes = await loadClasses(path)
      const chosen = pick(classes, name, path).name
      const inputs = await readInputs(options.inputs)
      if (options.wait) process.exitCode = await runHere(path, classes, chosen, inputs, options)
      else await launchOnly(classes, chosen, inputs, options)
    })
}

type Inputs = Readonly<Record<string, unknown>>

async function launchOnly(
  classes: ProcessClasses,
  name: string,
  inputs: Inputs,
  options: RunOptions,
): Promise<void> {
  const { store, key, label } = options
  const client = await Client.open({ store, create: true, processes: [...classes.values()] })
  try {
    const { pid } = await client.launch(name, inputs, { key, label })
    if (options.json) printJson({ pid, class: name })
    else print(pid)
  } finally {
    await client.close()
  }
}

async function runHere(
  path: string,
  classes: ProcessClasses,
  name: string,
  inputs: Inputs,
  options: RunOptions,
): Promise<number> {
  const { store, key, label } = options
  const engine = await Engine.open({
    store,
    processes: [...classes.values()],
    handleSignals: false,
    logger: stderrLogger,
  })
  let endProgress = (): void => {}
  const stopListening = onStop(() => {
    endProgress()
    note('stopping: the step that runs may end; Ctrl-C again stops at once')
    // What goes wrong with it is told by the close below, which joins this one.
    engine.close().catch(() => {})
  })
  try {
    const handle = await engine.launch(name, inputs, { key, label })
    note(`${name} ${handle.pid} runs in ${store}`)
    endProgress = showProgress(engine, handle.pid)
    const ended = await endOf(handle, engine)
    endProgress()
    if (ended !== undefined) return report(ended, options)
    note(
      `${name} ${handle.pid} is saved in ${store}; it goes on with: damson worker ${path} --store ${store}`,
    )
    return INTERRUPTED
  } finally {
    endProgress()
    await engine.close()
    stopListening()
  }
}

/** Waits for the end of a process and returns what is stored then; undefined if this program was stopped first. */
async function endOf(handle: ProcessHandle, engine: Engine): Promise<ProcessDetails | undefined> {
  try {
    await handle.wait()
  } catch (error) {
    if (!(error instanceof ClosedError)) throw error
    return undefined
  }
  const details = await engine.inspect(handle.pid)
  return details.state.terminal ? details : undefined
}

/** Prints the result of a process and returns the exit code for it. */
function report(details: ProcessDetails, options: RunOptions): number {
  if (options.json) printJson(inJson(details))
  else print(resultText(details))
  const { pid, name, state, message } = details
  if (state.successful) return ExitCode.DONE
  const reason = state.exitCode === undefined ? message : `${state.exitCode.label}: ${state.exitCode.message}`
  const how = state.label === 'finished' ? 'failed' : state.label
  note(`${name} ${pid} ${how}${reason === null ? '' : `: ${reason}`}`)
  note(`damson show ${pid.slice(0, 18)} tells more`)
  return ExitCode.FAILED
}

function resultText({ values: { outputs = {}, result } }: ProcessDetails): string {
  if (result === undefined || result === null) return pretty(outputs)
  return Object.keys(outputs as object).length === 0 ? pretty(result) : pretty({ outputs, result })
}
