import { Option, type Command } from 'commander'
import { type Client, InvalidStateError, type ProcessHandle } from '../../index.ts'
import { duration, withClient, withStore, type StoreOptions } from '../input/options.ts'
import { note, print, printJson } from '../render/output.ts'
import { findPid, type KeyOption, withPid } from './find-pid.ts'
import { stateText } from '../render/state-text.ts'
import { ExitCode, UsageError } from '../input/usage-error.ts'

interface RetryOptions extends StoreOptions, KeyOption {
  readonly from?: string
  readonly wait?: boolean
  readonly timeout?: number
}

interface CommandSpec {
  readonly name: string
  readonly description: string
  readonly help: string
  /** Returns the process that continues; undefined if there is nothing to do. */
  begin(client: Client, pid: string, options: RetryOptions): Promise<ProcessHandle | undefined>
}

const RETRY: CommandSpec = {
  name: 'retry',
  description: 'Let a failed process try again.',
  help: `A process that waits for its next attempt runs at once. A process that was paused after a crash or its last attempt gets
a new set of attempts. A process that ended without success is restarted, as by damson restart. Exits with 1 if there
is nothing to retry.`,
  begin: retry,
}

const RESTART: CommandSpec = {
  name: 'restart',
  description: 'Continue an ended process as a new one, from the step before it ended.',
  help: `The new process takes over the context, members and outputs of the old one, and the record of its failed step, so that
no effect runs twice. The old process does not change.`,
  begin: (client, pid, { from }) => client.restart(pid, { from }),
}

const RESUBMIT: CommandSpec = {
  name: 'resubmit',
  description: 'Run an ended process again from its inputs, as a new one.',
  help: 'The old process does not change.',
  begin: (client, pid) => client.resubmit(pid),
}

/** Adds `retry`, `restart` and `resubmit`. */
export function addRetryRestartResubmit(program: Command): void {
  for (const spec of [RETRY, RESTART, RESUBMIT]) {
    const command = withPid(withStore(program.command(spec.name))).description(spec.description)
    if (spec.name === 'restart')
      command.option('--from <tag>', 'continue from the checkpoint that the process kept under this tag')
    command
      .option('--wait', 'wait until the process ends; exits with 1 unless it succeeds')
      .option('--no-wait', 'return once the request is stored (the default)')
      .addOption(
        new Option('--timeout <duration>', 'with --wait: wait at most this long, such as 5s or 2m').argParser(
          duration,
        ),
      )
      .addHelpText(
        'after',
        `\n${spec.help}\nPrints the pid of the new process to stdout. damson worker runs it.`,
      )
      .action(async (text: string | undefined, options: RetryOptions) => {
        process.exitCode = await withClient(options.store, (client) => carryOut(spec, client, text, options))
      })
  }
}

async function carryOut(
  spec: CommandSpec,
  client: Client,
  text: string | undefined,
  options: RetryOptions,
): Promise<number> {
  if (options.timeout !== undefined && options.wait !== true)
    throw new UsageError('--timeout goes with --wait')
  const pid = await findPid(client, text, options)
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

/** @throws UsageError for an unfinished process, if only an ended one can be continued */
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
