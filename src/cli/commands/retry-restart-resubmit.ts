import { Option, type Command } from 'commander'
import { type Client, InvalidStateError, type ListFilter, type ProcessHandle } from '../../index.ts'
import { isBulk, requireTargets, type BulkOptions } from '../input/bulk.ts'
import { addChange, readChanges, withPaths } from '../input/changes.ts'
import { filterOf, withFilters } from '../input/filters.ts'
import { duration, withClient, withStore, type StoreOptions } from '../input/options.ts'
import { note, print, printJson } from '../render/output.ts'
import { findPid, type KeyOption, withPid } from './find-pid.ts'
import { successorsOf } from './successors.ts'
import { stateText } from '../render/state-text.ts'
import { ExitCode, UsageError } from '../input/usage-error.ts'
import { paragraphs } from '../render/wrap.ts'

interface RetryOptions extends StoreOptions, BulkOptions, KeyOption {
  readonly from?: string
  readonly again?: true
  readonly set?: readonly string[]
  readonly wait?: boolean
  readonly timeout?: number
}

interface CommandSpec {
  readonly name: string
  readonly description: string
  readonly help: string
  /** An example of `--set`, where the command takes it. */
  readonly sets?: string
  /** Returns the process that continues; undefined if there is nothing to do. */
  begin(client: Client, pid: string, options: RetryOptions): Promise<ProcessHandle | undefined>
  /** Where the command takes `--all`: how it reaches many. */
  readonly all?: {
    readonly help: string
    readonly done: string
    begin(client: Client, filter: ListFilter): Promise<number>
  }
}

const RETRY: CommandSpec = {
  name: 'retry',
  description: 'Let a failed process try again.',
  help: `A process that waits for its next attempt runs at once. A process that was paused after its third crash or its
last attempt gets a new set of attempts. A parked process is loaded again. A process that ended without success is restarted, as by damson restart. Exits with 1 if there
is nothing to retry. --all leaves what someone has paused, and what has ended unless --state names it.`,
  begin: retry,
  all: {
    help: 'unfinished processes that failed, or those that match --state, --class and --label',
    done: 'retried',
    begin: (client, filter) => client.retryAll(filter),
  },
}

const RESTART: CommandSpec = {
  name: 'restart',
  sets: 'ctx.limit=20',
  description: 'Continue an ended process as a new one, from the step before it ended.',
  help: `The new process takes over the context, members and outputs of the old one, and the record of its failed step, so that
no effect runs twice. The old process does not change. --all leaves what was restarted or killed before, and the children
of what it restarts.`,
  begin: (client, pid, { from, set }) => client.restart(pid, { from, set: readChanges(set) }),
  all: {
    help: 'processes that ended without success, or those of them that match --state, --class and --label',
    done: 'restarted',
    begin: (client, filter) => client.restartAll(filter),
  },
}

const RESUBMIT: CommandSpec = {
  name: 'resubmit',
  sets: 'inputs.amount=3',
  description: 'Run an ended process again from its inputs, as a new one.',
  help: 'The old process does not change.',
  begin: (client, pid, { set }) => client.resubmit(pid, { set: readChanges(set) }),
}

/** Adds `retry`, `restart` and `resubmit`. */
export function addRetryRestartResubmit(program: Command): void {
  for (const spec of [RETRY, RESTART, RESUBMIT]) {
    const command = withPid(withStore(program.command(spec.name))).description(spec.description)
    if (spec.all !== undefined) withFilters(command.option('--all', spec.all.help))
    if (spec.name === 'restart')
      command.option('--from <tag>', 'continue from the checkpoint that the process kept under this tag')
    command.option('--again', 'even if the failed process was begun again before')
    if (spec.sets !== undefined) {
      command.addOption(
        new Option(
          '--set <path=value>',
          `give the new process another value, such as ${spec.sets}; may be repeated`,
        ).argParser(addChange),
      )
    }
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
        paragraphs(`${spec.help}\nPrints the pid of the new process to stdout. damson worker runs it.`),
      )
      .action(async (text: string | undefined, options: RetryOptions) => {
        if (spec.all !== undefined) requireTargets(text === undefined ? [] : [text], options, spec.name)
        process.exitCode = await withClient(options.store, (client) =>
          isBulk(options) ? carryOutAll(spec, client, options) : carryOut(spec, client, text, options),
        )
      })
  }
}

async function carryOutAll(
  { name, all }: CommandSpec,
  client: Client,
  options: RetryOptions,
): Promise<number> {
  const { from, set, wait, timeout } = options
  for (const [option, given] of Object.entries({ from, set, wait, timeout }))
    if (given !== undefined && given !== false)
      throw new UsageError(`--${option} goes with a pid, not with --all`)
  const count = (await all?.begin(client, filterOf(options))) ?? 0
  if (options.json) printJson({ [all?.done ?? name]: count })
  else print(`${count} ${all?.done}`)
  return ExitCode.DONE
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
  if (options.again !== true) await requireFirst(spec, client, pid)
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
  if (ended === null) note(`${handle.pid} has not ended in this time, and continues`)
  return done ? ExitCode.DONE : ExitCode.FAILED
}

/** @throws UsageError for a failed process that was begun again before: its work would be done twice */
async function requireFirst({ name }: CommandSpec, client: Client, pid: string): Promise<void> {
  const found = await client.find(pid)
  const successor = found && (await successorsOf(client, [found])).get(pid)
  if (successor === undefined) return
  const { pid: next, state } = successor
  const instead = state.terminal
    ? state.successful
      ? ''
      : `; damson ${name} ${next} begins that one again`
    : '; it has not ended'
  throw new UsageError(
    `${pid} was begun again as ${next} (${stateText(state)})${instead}. --again begins ${pid} once more`,
  )
}

/** @throws UsageError for an unfinished process, if only an ended one can be continued */
async function begun(
  spec: CommandSpec,
  client: Client,
  pid: string,
  options: RetryOptions,
): Promise<ProcessHandle | undefined> {
  try {
    return await withPaths(() => spec.begin(client, pid, options))
  } catch (error) {
    const { terminal } = await client.handle(pid).refresh()
    if (!(error instanceof InvalidStateError) || terminal) throw error
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
