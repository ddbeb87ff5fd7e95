import { Option, type Command } from 'commander'
import type { Client, InputChanges, ListFilter, ProcessHandle } from '../../index.ts'
import { countOf, isBulk, processes, requireTargets, withBulk, type BulkOptions } from '../input/bulk.ts'
import { withReferences } from '../input/references.ts'
import { addChange, readChanges, withPaths } from '../input/changes.ts'
import { filterOf } from '../input/filters.ts'
import { duration, withClient, withStore, type StoreOptions } from '../input/options.ts'
import { note, print, printJson } from '../render/output.ts'
import { codeOf, printPreview } from '../read/preview.ts'
import { findPids, type KeyOption, withPid } from '../read/find-pid.ts'
import { stateText } from '../render/state-text.ts'
import { inParentheses } from '../../shared/terminal-text.ts'
import { ExitCode } from '../input/exit-code.ts'
import { UsageError } from '../input/usage-error.ts'
import { paragraphs } from '../render/wrap.ts'

interface RetryOptions extends StoreOptions, BulkOptions, KeyOption {
  readonly from?: string
  readonly again?: true
  readonly set?: readonly string[]
  readonly wait?: boolean
  readonly timeout?: number
}

interface CommandSpec {
  readonly name: 'retry' | 'restart' | 'resubmit'
  readonly description: string
  readonly help: string
  /** An example of `--set`, if the command takes it. */
  readonly sets?: string
  /** Acts on each process, and returns those that continue; undefined if there is nothing to do. */
  begin(
    client: Client,
    pids: readonly string[],
    options: RetryOptions,
  ): Promise<readonly (ProcessHandle | undefined)[]>
  /** The command with `--all`. */
  readonly all: {
    readonly help: string
    readonly done: string
    begin(client: Client, filter: ListFilter, options: RetryOptions): Promise<number>
  }
}

const RETRY: CommandSpec = {
  name: 'retry',
  description: 'Let failed processes try again.',
  help: `A process that waits for its next attempt runs at once. A process that was paused after its third crash or its
last attempt gets a new set of attempts. A parked process is loaded again. A process that ended without success is restarted, as by damson restart. A process that someone has paused is left as it is. Exits with 1 if there
is nothing to retry. --all leaves out ended processes, unless --state names their states.`,
  begin: (client, pids) => each(pids, (pid) => retry(client, pid)),
  all: {
    help: 'unfinished processes that failed',
    done: 'retried',
    begin: (client, filter) => client.retryAll(filter),
  },
}

const RESTART: CommandSpec = {
  name: 'restart',
  sets: 'ctx.limit=20',
  description: 'Continue ended processes as new ones, from their last step.',
  help: `The new process takes over the context, members and outputs of the old one, and the record of its failed step, so that
no effect runs twice. The old process does not change. A worker runs the classes that it loaded when it started: after a
change of the module, restart the worker first. --all leaves out superseded and killed processes, and what the
processes that it restarts had launched.`,
  begin: (client, pids, { from, set }) =>
    each(pids, (pid) => client.restart(pid, { from, set: readChanges(set) })),
  all: {
    help: 'processes that ended without success',
    done: 'restarted',
    begin: (client, filter) => client.restartAll(filter),
  },
}

const RESUBMIT: CommandSpec = {
  name: 'resubmit',
  sets: 'inputs.amount=3',
  description: 'Run ended processes again from their inputs, as new ones.',
  help: `The old process does not change. --set 'inputs.order={"$process": "PID", "output": "key"}' sets a reference to an
output of another process; without output, to its result. With several processes, all are checked first, and none begins if the inputs of
one do not fit. --all leaves out the same processes as restart --all.`,
  begin: async (client, pids, { set }) => {
    const changes = { set: readInputChanges(client, set) }
    return [...(await client.resubmit(pids, changes)).handles]
  },
  all: {
    help: 'processes that ended without success',
    done: 'resubmitted',
    begin: async (client, filter, { set }) =>
      (await client.resubmitAll(filter, { set: readInputChanges(client, set) })).length,
  },
}

/** Changes of inputs, which may contain references. */
function readInputChanges(client: Client, set: RetryOptions['set']): InputChanges | undefined {
  const changes = readChanges(set)
  return (
    changes &&
    Object.fromEntries(
      Object.entries(changes).map(([path, value]) => [path, withReferences(client, value, path)]),
    )
  )
}

/** Calls for one process after the other. */
async function each<T>(pids: readonly string[], call: (pid: string) => Promise<T>): Promise<readonly T[]> {
  const results: T[] = []
  for (const pid of pids) results.push(await call(pid))
  return results
}

/** Adds `retry`, `restart` and `resubmit`. */
export function addRetryRestartResubmit(program: Command): void {
  for (const spec of [RETRY, RESTART, RESUBMIT]) {
    const command = withBulk(
      withPid(withStore(program.command(spec.name)), { several: true }).description(spec.description),
      spec.all.help,
    )
    if (spec.name === 'restart')
      command.option('--from <tag>', 'continue from the checkpoint that the process kept under this tag')
    command.option('--again', 'act even on a superseded process')
    if (spec.sets !== undefined) {
      command.addOption(
        new Option(
          '--set <path=value>',
          `give each new process another value, such as ${spec.sets}; may be repeated`,
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
        paragraphs(
          `${spec.help}\nPrints the pid of each new process to stdout. damson worker runs it. A failed process that was already restarted or resubmitted is superseded: it is refused without --again.`,
        ),
      )
      .action(async (texts: readonly string[], options: RetryOptions) => {
        requireTargets(texts, options, spec.name)
        process.exitCode = await withClient(options.store, (client) =>
          isBulk(options) ? carryOutAll(spec, client, options) : carryOut(spec, client, texts, options),
        )
      })
  }
}

async function carryOutAll(
  { name, all }: CommandSpec,
  client: Client,
  options: RetryOptions,
): Promise<number> {
  const { from, set, again, wait, timeout, json } = options
  const single = { from, again, wait, timeout, ...(name === 'restart' && { set }) }
  for (const [option, given] of Object.entries(single))
    if (given !== undefined && given !== false)
      throw new UsageError(`--${option} goes with a pid, not with --all`)
  const filter = filterOf(options)
  if (name !== 'retry') await noteSuperseded(client, filter)
  if (options.dryRun) return printPreview(client, name, filter, { json })
  const count = await withPaths(() => all.begin(client, filter, options))
  if (json) printJson({ [all.done]: count })
  else print(`${count} ${all.done}`)
  return codeOf(client, name, filter, count)
}

/** Notes which members of a group are left out: what was made from them is not in the group. */
async function noteSuperseded(client: Client, filter: ListFilter): Promise<void> {
  if (filter.group === undefined) return
  const count = await countOf(client, { ...filter, successful: false, superseded: true })
  if (count > 0)
    note(
      `${processes(count)} of the group ${count === 1 ? 'is' : 'are'} superseded and left out; --all without --group reaches the newer ones`,
    )
}

async function carryOut(
  spec: CommandSpec,
  client: Client,
  texts: readonly string[],
  options: RetryOptions,
): Promise<number> {
  if (options.timeout !== undefined && options.wait !== true)
    throw new UsageError('--timeout goes with --wait')
  const pids = await findPids(client, texts, options)
  for (const pid of pids) {
    if (spec.name === 'retry') await requireNotPaused(client, pid)
    if (options.again === true) continue
    await requireFirst(spec, client, pid)
    await requireTop(spec, client, pid, pids)
  }
  const handles = await begun(spec, client, pids, options)
  const answers = await Promise.all(
    handles.map((handle, at) => answer(spec, client, pids[at] as string, handle, options)),
  )
  if (options.json) printJson(answers.length === 1 ? answers[0] : { processes: answers })
  return answers.every(({ done }) => done) ? ExitCode.DONE : ExitCode.FAILED
}

interface Answer {
  readonly pid: string
  readonly from?: string
  readonly state: string
  readonly successful?: boolean
  readonly done: boolean
}

/** Waits for a process if requested, and prints the outcome. */
async function answer(
  spec: CommandSpec,
  client: Client,
  pid: string,
  handle: ProcessHandle | undefined,
  options: RetryOptions,
): Promise<Answer> {
  if (handle === undefined) {
    const state = await client.handle(pid).refresh()
    note(`${pid} ${stateText(state)}: there is nothing to ${spec.name}`)
    return { pid, state: state.label, done: false }
  }
  if (handle.pid !== pid) note(`${spec.name === 'resubmit' ? 'resubmitted' : 'restarted'} from ${pid}`)
  const ended = options.wait === true ? await handle.wait({ timeout: options.timeout }) : undefined
  const state = ended ?? (await handle.refresh())
  const done = options.wait !== true || (ended !== null && state.successful)
  if (!options.json)
    print(options.wait === true || handle.pid === pid ? `${handle.pid} ${stateText(state)}` : handle.pid)
  if (ended === null) note(`${handle.pid} has not ended in this time, and continues`)
  else if (!done) note(`${handle.pid} ${state.exitCode?.message ?? state.message ?? 'did not succeed'}`)
  return { pid: handle.pid, from: pid, state: state.label, successful: state.successful, done }
}

/** @throws UsageError for a process that someone has paused: a retry would play it */
async function requireNotPaused(client: Client, pid: string): Promise<void> {
  const { paused, pauseRequested } = await client.inspect(pid)
  const held = paused?.cause === 'request' ? paused : pauseRequested
  if (held === null) return
  throw new UsageError(
    `${pid} was paused on purpose${inParentheses(held.message)}: damson play ${pid} lets it continue`,
  )
}

/** @throws UsageError for a superseded process: its work would be done twice */
async function requireFirst({ name }: CommandSpec, client: Client, pid: string): Promise<void> {
  const successor = await client.supersededBy(pid)
  if (successor === undefined) return
  const { pid: next, state } = successor
  const instead = state.terminal
    ? state.successful
      ? ''
      : `; try damson ${name} ${next}`
    : '; it has not ended'
  throw new UsageError(
    `${pid} is superseded by ${next} (${stateText(state)})${instead}. Give --again to ${name} ${pid} anyway`,
  )
}

/** @throws UsageError for a process with an ancestor among the others, which begins what it needs again itself */
async function requireTop(
  { name }: CommandSpec,
  client: Client,
  pid: string,
  others: readonly string[],
): Promise<void> {
  let at = await client.find(pid)
  if (others.length === 1 || at?.state.terminal !== true) return
  while (at !== undefined && at.parent !== null && !at.abandoned) {
    const { parent } = at
    at = await client.find(parent)
    if (others.includes(parent) && at?.state.terminal === true)
      throw new UsageError(
        `${pid} was launched below ${parent}, which launches again what it needs. Leave ${pid} out, or give --again to ${name} both`,
      )
  }
}

/** @throws UsageError for an unfinished process, if only an ended one can be continued */
async function begun(
  spec: CommandSpec,
  client: Client,
  pids: readonly string[],
  options: RetryOptions,
): Promise<readonly (ProcessHandle | undefined)[]> {
  if (spec.name !== 'retry') for (const pid of pids) await requireEnded(client, pid)
  return withPaths(() => spec.begin(client, pids, options))
}

async function requireEnded(client: Client, pid: string): Promise<void> {
  const { terminal } = await client.handle(pid).refresh()
  if (terminal) return
  throw new UsageError(
    `process ${pid} has not ended: damson retry or damson play lets it continue, damson kill ends it`,
  )
}

async function retry(client: Client, pid: string): Promise<ProcessHandle | undefined> {
  const { terminal, successful, paused, reason } = await client.handle(pid).refresh()
  const failed = terminal
    ? !successful
    : paused || reason === 'retry' || reason === 'parked' || reason === 'crash'
  return failed ? client.retry(pid) : undefined
}
