import { Option, type Command } from 'commander'
import { Client, ClosedError, Engine, type ProcessDetails, type ProcessHandle } from '../../index.ts'
import { withoutPassword } from '../../shared/store-url.ts'
import { continuesWith } from '../render/continues-with.ts'
import { runGroup } from './run-group.ts'
import { withReferences } from '../input/references.ts'
import { readInputs } from '../input/read-inputs.ts'
import { loadClasses, pick, type ProcessClasses } from '../input/load-module.ts'
import { stderrLogger } from '../render/stderr-logger.ts'
import { wholeNumber, withStore, type StoreOptions } from '../input/options.ts'
import { keepStdoutClean, note, pretty, print, printEscaped, printJson } from '../render/output.ts'
import { inJson } from '../render/process-facts.ts'
import { type Screen, screenOf } from '../render/screen.ts'
import { showProgress } from '../render/progress.ts'
import { onStop } from '../input/stop-signal.ts'
import { ExitCode } from '../input/exit-code.ts'
import { paragraphs } from '../render/wrap.ts'

interface RunOptions extends StoreOptions {
  readonly inputs?: string
  readonly key?: string
  readonly label?: string
  readonly worker?: string
  readonly wait: boolean
  readonly count?: number
  readonly inputsFile?: string
  readonly group?: string
}

/** The exit code that a shell reports for a program ended by Ctrl-C. */
const INTERRUPTED = 130

export function addRun(program: Command): void {
  withStore(program.command('run'))
    .description('Launch a process, run it in this program until it ends, and print its outputs.')
    .argument('<module>', 'a TypeScript or JavaScript file that exports process classes')
    .argument('[class]', 'the class to run, if the module exports several')
    .option('-i, --inputs <file|json>', `a file of JSON, - for stdin, or the JSON itself: '{"a": 1}'`)
    .option('--key <key>', 'launch it only once: the same key, class and inputs find the same process')
    .option('--label <text>', 'free text for lists')
    .option('--worker <label>', 'only workers with this label, and this program, run it')
    .option('--count <number>', 'run this many processes with these inputs', wholeNumber)
    .option('--inputs-file <file>', 'run a process for each line of this file, a JSON object; - for stdin')
    .option('--group <name>', 'with --count or --inputs-file: the name of the group of processes')
    .addOption(new Option('--no-wait', 'only store the process, for a worker to run, and print its pid'))
    .addHelpText(
      'after',
      paragraphs(`
Meanwhile this program also runs other processes of the store whose classes it has. The first Ctrl-C waits up to
30 s for the running step and leaves the process in the store. The second Ctrl-C ends the program at once. damson worker
continues the process, and so does damson run with the same --key, or --group for several. Give values that JSON lacks in their saved form:
{"$": "Date", "value": "2026-01-31T12:00:00.000Z"}. {"$process": "PID", "output": "key"} stands for an output of another
process, and {"$process": "PID"} for its result.`),
    )
    .action(async (path: string, name: string | undefined, options: RunOptions) => {
      if (options.json) keepStdoutClean()
      const classes = await loadClasses(path)
      const chosen = pick(classes, name, path).name
      if (options.count !== undefined || options.inputsFile !== undefined || options.group !== undefined) {
        process.exitCode = await runGroup(path, classes, chosen, options)
        return
      }
      const inputs = await readInputs(options.inputs)
      if (options.wait) process.exitCode = await runHere(path, classes, chosen, inputs, options)
      else await launchOnly(classes, chosen, inputs, options)
    })
}

type Inputs = Readonly<Record<string, unknown>>

function referring(client: Client, inputs: Inputs): Inputs {
  return withReferences(client, inputs, '--inputs') as Inputs
}

async function launchOnly(
  classes: ProcessClasses,
  name: string,
  inputs: Inputs,
  options: RunOptions,
): Promise<void> {
  const { store, key, label, worker } = options
  const client = await Client.open({ store, create: true, processes: [...classes.values()] })
  try {
    const { pid } = await client.launch(name, referring(client, inputs), { key, label, worker })
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
  const { store, key, label, worker } = options
  const engine = await Engine.open({
    store,
    processes: [...classes.values()],
    labels: worker === undefined ? [] : [worker],
    handleSignals: false,
    logger: stderrLogger,
  })
  let endProgress = (): void => {}
  const stopListening = onStop(() => {
    endProgress()
    note('stopping: the running step may end; Ctrl-C again stops at once')
    // The close below joins this one and reports its errors.
    engine.close().catch(() => {})
  })
  try {
    const handle = await engine.launch(name, referring(engine, inputs), { key, label, worker })
    note(`${name} ${handle.pid} runs in ${withoutPassword(store)}`)
    endProgress = showProgress(engine, handle.pid)
    const ended = await endOf(handle, engine)
    endProgress()
    if (ended !== undefined) return await report(ended, engine, options)
    note(
      `${name} ${handle.pid} is saved in ${withoutPassword(store)}; ${continuesWith({ path, store, label: worker })}`,
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
async function report(details: ProcessDetails, client: Client, options: RunOptions): Promise<number> {
  if (options.json) printJson(inJson(details))
  else printEscaped(resultText(details, screenOf()))
  const { pid, name, state, message } = details
  if (state.successful) return ExitCode.DONE
  const reason = state.exitCode === undefined ? message : `${state.exitCode.label}: ${state.exitCode.message}`
  const how = state.label === 'finished' ? 'failed' : state.label
  note(`${name} ${pid} ${how}${reason === null ? '' : `: ${reason}`}`)
  const short = (await client.shortPids([pid])).get(pid) ?? pid
  note(`damson show ${short} shows more`)
  return ExitCode.FAILED
}

function resultText({ values: { outputs = {}, result } }: ProcessDetails, screen: Screen): string {
  if (result === undefined || result === null) return pretty(outputs, screen)
  return pretty(Object.keys(outputs as object).length === 0 ? result : { outputs, result }, screen)
}
