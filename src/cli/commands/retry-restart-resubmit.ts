import { Option, type Command } from 'commander'
import { type Client, InvalidStateError, type ProcessHandle } from '../../index.ts'
import { duration, withClient, withStore, type StoreOptions } from '../input/options.ts'
import { note, print, printJson } from '../render/output.ts'
import { findPid } from './find-pid.ts'
import { stateText } from '../render/state-text.ts'
import { ExitCode, UsageError } from '../input/usage-error.ts'

interface RetryOptions extends StoreOptions {
  readonly from?: string
  readonly wait?: boolean
  readonly timeout?: number
}

interface CommandSpec {
  readonly name: string
  readonly description: string
  readonly help: string
  /** The process that goes on; undefined where there is nothing to do. */
  begin(client: Client, pid: string, options: RetryOptions): Promise<ProcessHandle | undefined>
}

const RETRY: CommandSpec = {
  name: 'retry',
  description: 'Let a process that failed try again.',
  help: `One that waits for its next attempt runs now. One that was paused, since its retries ran out or it crashed, plays with a fresh budget.
One that ended unsuccessfully is restarted, as damson restart does it. Exits with 1 where there is nothing to retry.`,
  begin: retry,
}

const RESTART: CommandSpec = {
  name: 'restart',
  description: 'Let an ended process go on, as a new one, from where it was before it ended.',
  help: `The new process has the context, members and outputs of the old one, and what its failed step has done by name, so that no effect is done
twice. The old one stays as it is.`,
  begin: (client, pid, { from }) => client.restart(pid, { from }),
}

const RESUBMIT: CommandSpec = {
  name: 'resubmit',
  description: 'Begin an ended process anew from its inputs, as a new one.',
  help: 'The old one stays as it is.',
  begin: (client, pid) => client.resubmit(pid),
}

/** Adds `retry`, `restart` and `resubmit`. */
export function addRetryRestartResubmit(program: Command): void {
  for (const spec of [RETRY, RESTART, RESUBMIT]) {
    const command = withStore(program.command(spec.name))
      .description(spec.description)
      .argument('<pid>', 'a process; the beginning of its pid will do')
    if (spec.name === 'restart')
      command.option('--from <tag>', 'go on from the checkpoint that it kept under this tag')
    command
      .option('--wait', 'wait for its end; exits with 1 where that is no success')
      .option('--no-wait', 'return once it is stored (so it is unless told otherwise)')
      .addOption(
        new Option('--timeout <duration>', 'with --wait: so long at most, such as 5s or 2m').argParser(
          duration,
        ),
      )
      .addHelpText(
        'after',
        `\n${spec.help}\nA new process is told by its pid on stdout. An engine has to run: damson worker.`,
      )
      .action(async (start: string, options: RetryOptions) => {
        process.exitCode = await withClient(options.store, (client) => carryOut(spec, client, start, options))
      })
  }
}

async function carryOut(
  spec: CommandSpec,
  client: Client,
  start: string,
  options: RetryOptions,
): Promise<number> {
  if (options.timeout !== undefined && options.wait !== true)
    throw new UsageError('--timeout goes with --wait')
  const pid = await findPid(client, start)
  const handle = await begun(spec, client, pid, options)
  if (handle === undefined) {
    const state = await client.handle(pid).refresh()
    if (options.json) printJson({ pid, state: state.label, done: false })
    note(`${pid} ${stateText(state)}: there is nothing to ${spec.name}`)
    return ExitCode.FAILED
  }
  if (handle.pid !== pid) note(`${spec.name === 'resubmit' ? 'resubmitted' : 'restarted'} from ${pid}`)
  const ended = options.wait === true ? await handle.wait({ timeout: options.timeout }) : undefined
  const state = ended ?? (await handle.refresh())
  const done = options.wait !== true || (ended !== null && state.successful)
  if (options.json)
    printJson({ pid: handle.pid, from: pid, state: state.label, successful: state.successful, done })
  else print(options.wait === true || handle.pid === pid ? `${handle.pid} ${stateText(state)}` : handle.pid)
  if (ended === null) note(`${handle.pid} has not ended in this time, and goes on`)
  return done ? ExitCode.DONE : ExitCode.FAILED
}

/** @throws UsageError for a process that has not ended, where that has to be */
async function begun(
  spec: CommandSpec,
  client: Client,
  pid: string,
  options: RetryOptions,
): Promise<ProcessHandle | undefined> {
  try {
    return await spec.begin(client, pid, options)
  } catch (error) {
    if (!(error instanceof InvalidStateError)) throw error
    throw new UsageError(
      `process ${pid} has not ended: damson retry or damson play lets it go on, damson kill ends it`,
    )
  }
}

async function retry(client: Client, pid: string): Promise<ProcessHandle | undefined> {
  const { terminal, successful, paused, reason } = await client.handle(pid).refresh()
  const failed = terminal
    ? !successful
    : paused || reason === 'retry' || reason === 'parked' || reason === 'crash'
  return failed ? client.retry(pid) : undefined
}
