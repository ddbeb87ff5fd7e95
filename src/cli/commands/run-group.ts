import {
  Client,
  ClosedError,
  Engine,
  GroupLaunchError,
  type GroupLaunchOptions,
  type ProcessGroup,
} from '../../index.ts'
import { withoutPassword } from '../../shared/store-url.ts'
import { continuesWith } from '../render/continues-with.ts'
import { InputLines } from '../input/input-lines.ts'
import type { ProcessClasses } from '../input/load-module.ts'
import { withReferences } from '../input/references.ts'
import { readInputs } from '../input/read-inputs.ts'
import { onStop } from '../input/stop-signal.ts'
import { UsageError } from '../input/usage-error.ts'
import { note, print, printJson } from '../render/output.ts'
import { showGroupProgress } from '../render/progress.ts'
import { stderrLogger } from '../render/stderr-logger.ts'
import { printResults } from './groups.ts'

type Inputs = Readonly<Record<string, unknown>>

/** The options of `damson run` for a group. */
export interface RunGroupOptions {
  readonly store: string
  readonly json?: true
  readonly inputs?: string
  readonly count?: number
  readonly inputsFile?: string
  readonly group?: string
  readonly key?: string
  readonly label?: string
  readonly worker?: string
  readonly wait: boolean
}

/** The exit code that a shell reports for a program ended by Ctrl-C. */
const INTERRUPTED = 130

/** Launches a group, runs it unless that is left to a worker, and returns the exit code. */
export async function runGroup(
  path: string,
  classes: ProcessClasses,
  name: string,
  options: RunGroupOptions,
): Promise<number> {
  const { store, count, inputsFile, key, wait, worker } = options
  if (count !== undefined && inputsFile !== undefined)
    throw new UsageError('give --count or --inputs-file, not both')
  if (count === undefined && inputsFile === undefined)
    throw new UsageError('--group goes with --count or --inputs-file')
  if (inputsFile !== undefined && options.inputs !== undefined)
    throw new UsageError('--inputs-file has the inputs of each process: leave out --inputs')
  if (key !== undefined) throw new UsageError('--key is of one process: name the processes by --group')
  const processes = [...classes.values()]
  if (!wait) {
    const client = await Client.open({ store, create: true, processes })
    try {
      const group = await launch(client, name, options)
      if (options.json) printJson({ group: group.name, class: name, processes: group.length })
      else print(group.name)
      return 0
    } finally {
      await client.close()
    }
  }
  const labels = worker === undefined ? [] : [worker]
  const engine = await Engine.open({ store, processes, labels, handleSignals: false, logger: stderrLogger })
  let endProgress = (): void => {}
  const stopListening = onStop(() => {
    endProgress()
    note('stopping: the running steps may end; Ctrl-C again stops at once')
    // The close below joins this one and reports its errors.
    engine.close().catch(() => {})
  })
  try {
    const group = await launch(engine, name, options)
    note(`${group.length} of ${name} run in ${withoutPassword(store)} as the group ${group.name}`)
    endProgress = showGroupProgress(engine, group.name)
    await group.wait()
    endProgress()
    return await printResults(engine, group.name, options.json === true)
  } catch (error) {
    if (!(error instanceof ClosedError)) throw error
    note(`the group is saved in ${withoutPassword(store)}; ${continuesWith({ path, store, label: worker })}`)
    return INTERRUPTED
  } finally {
    endProgress()
    await engine.close()
    stopListening()
  }
}

/** @throws UsageError for inputs that do not fit, with their line in the file */
async function launch(client: Client, name: string, options: RunGroupOptions): Promise<ProcessGroup> {
  const { count = 0, inputsFile, group, label, worker } = options
  const given: GroupLaunchOptions = { group, label, worker }
  if (inputsFile === undefined) {
    const inputs = withReferences(client, await readInputs(options.inputs), '--inputs') as Inputs
    return client.launchAll(
      name,
      Array.from({ length: count }, () => inputs),
      given,
    )
  }
  const lines = new InputLines(inputsFile)
  try {
    return await client.launchAll(name, lines, given)
  } catch (error) {
    if (!(error instanceof GroupLaunchError)) throw error
    const { cause, position, launched } = error
    const why =
      cause instanceof UsageError
        ? cause.message
        : `${lines.lineOf(position)} does not fit: ${(cause as Error).message}`
    const before =
      launched === 0
        ? ''
        : `. The ${launched} before it are launched as the group ${error.group}: the same command with --group ${error.group} adds the others`
    throw new UsageError(`${why}${before}`)
  }
}
