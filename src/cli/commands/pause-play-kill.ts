import { Option, type Command } from 'commander'
import type { Client, ProcessHandle, ProcessSummary, StateInfo } from '../../index.ts'
import { withoutPassword } from '../../shared/store-url.ts'
import { isBulk, processes, requireTargets, withBulk, type BulkOptions } from '../input/bulk.ts'
import { confirm } from '../input/confirm.ts'
import { filterOf, LIVE } from '../input/filters.ts'
import { duration, withClient, withStore, type StoreOptions } from '../input/options.ts'
import { note, print, printJson } from '../render/output.ts'
import { findPids, type KeyOption, withPid } from '../read/find-pid.ts'
import { waitUntil } from '../read/wait-until.ts'
import { codeOf, printPreview } from '../read/preview.ts'
import { pausedOnPurpose } from '../read/paused-on-purpose.ts'
import { processStateText, stateText } from '../render/state-text.ts'
import { printable } from '../../shared/terminal-text.ts'
import { ExitCode } from '../input/exit-code.ts'
import { UsageError } from '../input/usage-error.ts'
import { paragraphs } from '../render/wrap.ts'

interface ControlOptions extends StoreOptions, BulkOptions, KeyOption {
  readonly yes?: true
  readonly deliberate?: true
  readonly message?: string
  readonly force?: true
  readonly alone?: true
  readonly wait?: boolean
  readonly timeout: number
}

interface CommandSpec {
  readonly name: 'pause' | 'play' | 'kill'
  readonly description: string
  /** Which processes `--all` reaches. */
  readonly all: string
  /** The last part of the help text. */
  readonly help: string
  /** Whether the command waits by default. */
  readonly waits: boolean
  ask(handle: ProcessHandle, options: ControlOptions): Promise<boolean>
  askAll(client: Client, options: ControlOptions): Promise<number>
  /** Whether the request has been carried out. */
  readonly done: (state: StateInfo) => boolean
}

const PAUSE: CommandSpec = {
  name: 'pause',
  description: 'Pause processes: the running step ends, and the next one starts only after a play.',
  all: 'all unfinished processes',
  help: '',
  waits: false,
  ask: (handle, { message, alone }) => handle.pause(message, { tree: alone !== true }),
  askAll: (client, options) => client.pauseAll(filterOf(options, LIVE), options.message),
  done: (state) => state.paused || state.terminal,
}

const PLAY: CommandSpec = {
  name: 'play',
  description: 'Let paused or parked processes continue.',
  all: 'processes that failures or crashes have paused, and parked ones',
  help: `
With --all, plays processes that failures or crashes have paused, and parked ones. Those that someone has paused on
purpose stay paused, unless --deliberate is given.`,
  waits: false,
  ask: (handle, { alone }) => handle.play({ tree: alone !== true }),
  askAll: (client, options) =>
    client.playAll(filterOf(options, LIVE), { deliberate: options.deliberate === true }),
  done: (state) => !state.paused,
}

const KILL: CommandSpec = {
  name: 'kill',
  description: 'Kill processes and wait until they have ended.',
  all: 'all unfinished processes',
  help: `
With --all, the command does not wait for the ends. It asks for confirmation, and needs --yes if there is no terminal.`,
  waits: true,
  ask: (handle, { message, force, alone }) =>
    handle.kill(message, { force: force === true, tree: alone !== true }),
  askAll: (client, options) =>
    client.killAll(filterOf(options, LIVE), options.message, { force: options.force === true }),
  done: (state) => state.terminal,
}

/** Adds `pause`, `play` and `kill`. */
export function addPausePlayKill(program: Command): void {
  for (const spec of [PAUSE, PLAY, KILL]) {
    const command = withBulk(
      withPid(withStore(program.command(spec.name)), { several: true }).description(spec.description),
      spec.all,
    )
    if (spec.name === 'play')
      command.option('--deliberate', 'with --all: also those that someone has paused on purpose')
    if (spec.name === 'kill') command.option('--yes', 'with --all: do not ask for confirmation')
    command.option('--alone', 'only these processes; otherwise their descendants get the same request')
    if (spec.name !== 'play') command.option('-m, --message <text>', 'the reason, shown with the process')
    if (spec.name === 'kill')
      command.option('--force', 'kill at once; otherwise the running step has 10 s to end')
    command
      .option(
        '--wait',
        `wait until the request has been carried out${spec.waits ? ' (the default)' : ''}; not with --all`,
      )
      .option('--no-wait', `return once the request is stored${spec.waits ? '' : ' (the default)'}`)
      .addOption(
        new Option('--timeout <duration>', 'wait at most this long, such as 5s or 2m')
          .argParser(duration)
          .default(15_000, '15s'),
      )
      .addHelpText(
        'after',
        paragraphs(`
The request is stored at once and takes effect even if no worker is running. Exits with 1 if a process has already
ended, or if the request was not carried out in time; it then still takes effect later.${spec.help}`),
      )
      .action(async (starts: readonly string[], options: ControlOptions) => {
        process.exitCode = await withClient(options.store, (client) =>
          carryOut(spec, client, starts, options),
        )
      })
  }
}

async function carryOut(
  spec: CommandSpec,
  client: Client,
  starts: readonly string[],
  options: ControlOptions,
): Promise<number> {
  requireTargets(starts, options, spec.name)
  requireFitting(spec, options)
  if (isBulk(options)) return askAll(spec, client, options)
  const pids = await findPids(client, starts, options)
  const waits = options.wait ?? spec.waits
  const answers = await Promise.all(pids.map((pid) => one(spec, client, pid, waits, options)))
  if (options.json) printJson({ processes: answers })
  return answers.every(({ done }) => done) ? ExitCode.DONE : ExitCode.FAILED
}

function requireFitting({ name }: CommandSpec, options: ControlOptions): void {
  const all = isBulk(options)
  if (all && options.alone)
    throw new UsageError('--alone goes with pids; --all reaches each process that matches, and no other')
  if (all && options.wait === true)
    throw new UsageError('--all does not wait; damson list shows their states')
  if (!all && (options.yes || options.deliberate))
    throw new UsageError(`--${options.yes ? 'yes' : 'deliberate'} goes with ${name} --all`)
}

async function askAll(spec: CommandSpec, client: Client, options: ControlOptions): Promise<number> {
  const filter = filterOf(options, LIVE)
  const { json } = options
  const reached = { deliberate: spec.name !== 'play' || options.deliberate === true }
  if (options.dryRun) return printPreview(client, spec.name, filter, { ...reached, json })
  // A group is named explicitly, like pids, so no confirmation is needed.
  if (spec.name === 'kill' && options.all && options.yes !== true) {
    const what = `${classesText(await client.preview('kill', filter))} in ${withoutPassword(options.store)}`
    const how = `--all would kill ${what}: without a terminal, give --yes to confirm`
    if (!(await confirm(printable(`kill ${what}?`), how))) {
      note('nothing was killed')
      return ExitCode.FAILED
    }
  }
  const asked = await spec.askAll(client, options)
  const left = spec.name === 'play' && !options.deliberate ? await pausedOnPurpose(client, filter) : 0
  if (options.json) printJson({ asked, ...(spec.name === 'play' && { left }) })
  else print(spec.name === 'play' ? `${asked} played` : `${asked} asked to ${spec.name}`)
  if (left > 0) note(`${left} paused on purpose stay paused; --deliberate plays them too`)
  return codeOf(client, spec.name, filter, asked)
}

/** `3 processes (2 Order, 1 Payment)`, the most frequent class first. */
function classesText(found: readonly ProcessSummary[]): string {
  const counts = new Map<string, number>()
  for (const { name } of found) counts.set(name, (counts.get(name) ?? 0) + 1)
  const each = [...counts].toSorted(([, a], [, b]) => b - a).map(([name, count]) => `${count} ${name}`)
  return `${processes(found.length)}${each.length === 0 ? '' : ` (${each.join(', ')})`}`
}

/** Whether there may be something to play: the process is paused or parked, or has children that may be. */
async function stands(client: Client, { pid, state, pauseRequested }: ProcessSummary): Promise<boolean> {
  if (state.terminal || state.paused || pauseRequested !== null || state.reason === 'parked') return true
  return (await client.list({ parent: pid, limit: 1 })).processes.length > 0
}

interface Answer {
  readonly pid: string
  readonly state: string
  readonly paused: boolean
  /** Whether the request was stored and, if the command waited, carried out. */
  readonly done: boolean
}

async function one(
  spec: CommandSpec,
  client: Client,
  pid: string,
  waits: boolean,
  options: ControlOptions,
): Promise<Answer> {
  const handle = client.handle(pid)
  const before = spec.name === 'play' ? await client.find(pid) : undefined
  if (before !== undefined && !(await stands(client, before))) {
    note(`${pid} ${processStateText(before)}: it is not paused, so there is nothing to play`)
    return { pid, state: before.state.label, paused: false, done: false }
  }
  const asked = await spec.ask(handle, options)
  const done = asked && (!waits || (await waitUntil(client, handle, spec.done, options.timeout)))
  const state = await handle.refresh()
  if (!options.json || !done) {
    const text = `${pid} ${stateText(state)}`
    if (!asked) note(`${text}: it has ended already, so there is nothing to ${spec.name}`)
    else if (!done) note(`${text}: asked to ${spec.name}, which will still take effect`)
    else print(spec.done(state) ? text : `${text}: asked to ${spec.name}`)
  }
  return { pid, state: state.label, paused: state.paused, done }
}
