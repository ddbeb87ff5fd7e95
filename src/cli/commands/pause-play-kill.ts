import { Option, type Command } from 'commander'
import type { Client, ProcessHandle, StateInfo } from '../../index.ts'
import { filterOf, LIVE, withFilters, type FilterOptions } from '../input/filters.ts'
import { duration, withClient, withStore, type StoreOptions } from '../input/options.ts'
import { note, print, printJson } from '../render/output.ts'
import { findPids } from './find-pid.ts'
import { waitUntil } from './wait-until.ts'
import { stateText } from '../render/state-text.ts'
import { ExitCode, UsageError } from '../input/usage-error.ts'

interface ControlOptions extends StoreOptions, FilterOptions {
  readonly all?: true
  readonly message?: string
  readonly force?: true
  readonly alone?: true
  readonly wait?: boolean
  readonly timeout: number
}

interface CommandSpec {
  readonly name: 'pause' | 'play' | 'kill'
  readonly description: string
  /** Whether it waits unless told otherwise. */
  readonly waits: boolean
  ask(handle: ProcessHandle, options: ControlOptions): Promise<boolean>
  askAll(client: Client, options: ControlOptions): Promise<number>
  /** Whether the process is as it was asked to be. */
  readonly done: (state: StateInfo) => boolean
}

const PAUSE: CommandSpec = {
  name: 'pause',
  description: 'Pause processes: the step that runs ends, and no other begins until it is played.',
  waits: false,
  ask: (handle, { message, alone }) => handle.pause(message, { tree: alone !== true }),
  askAll: (client, options) => client.pauseAll(filterOf(options, LIVE), options.message),
  done: (state) => state.paused || state.terminal,
}

const PLAY: CommandSpec = {
  name: 'play',
  description: 'Let paused processes go on.',
  waits: false,
  ask: (handle, { alone }) => handle.play({ tree: alone !== true }),
  askAll: (client, options) => client.playAll(filterOf(options, LIVE)),
  done: (state) => !state.paused,
}

const KILL: CommandSpec = {
  name: 'kill',
  description: 'Kill processes, and wait for their end.',
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
    const command = withFilters(withStore(program.command(spec.name)))
      .description(spec.description)
      .argument('[pid...]', 'processes; the beginning of a pid will do')
      .option('--all', 'all that have not ended, or those of --state and --class; does not wait')
    command.option(
      '--alone',
      'without the processes that they launched, which are asked too unless told otherwise',
    )
    if (spec.name !== 'play') command.option('-m, --message <text>', 'why; shown with the process')
    if (spec.name === 'kill')
      command.option('--force', 'at once, whatever its step does; else it has 10 s to end')
    command
      .option('--wait', `wait until it has happened${spec.waits ? ' (so it is unless told otherwise)' : ''}`)
      .option('--no-wait', `return once it is stored${spec.waits ? '' : ' (so it is unless told otherwise)'}`)
      .addOption(
        new Option('--timeout <duration>', 'wait so long at most, such as 5s or 2m')
          .argParser(duration)
          .default(15_000, '15s'),
      )
      .addHelpText(
        'after',
        `
What is asked is stored at once and holds, whether a program runs the process now or not; so it works with no worker running.
Exits with 1 where a process has ended already, or what is waited for has not happened in time (it still will).`,
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
  if (options.all) {
    const asked = await spec.askAll(client, options)
    if (options.json) printJson({ asked })
    else print(`${asked} asked to ${spec.name}`)
    return ExitCode.DONE
  }
  const pids = await findPids(client, starts)
  const waits = options.wait ?? spec.waits
  const answers = await Promise.all(pids.map((pid) => one(spec, client, pid, waits, options)))
  if (options.json) printJson({ processes: answers })
  return answers.every(({ done }) => done) ? ExitCode.DONE : ExitCode.FAILED
}

function requireTargets(starts: readonly string[], options: ControlOptions, name: string): void {
  const filtered = options.state !== undefined || options.class !== undefined
  if (options.all && starts.length > 0) throw new UsageError('give pids or --all, not both')
  if (options.all && options.alone)
    throw new UsageError('--alone goes with pids; --all asks each process that is let through, and no other')
  if (options.all && options.wait)
    throw new UsageError('--all does not wait; damson list shows how far they are')
  if (!options.all && filtered) throw new UsageError('--state and --class go with --all')
  if (!options.all && starts.length === 0) {
    throw new UsageError(`say what to ${name}: pids, or --all with --state and --class`)
  }
}

interface Answer {
  readonly pid: string
  readonly state: string
  readonly paused: boolean
  /** Whether it was stored and, where that was waited for, has happened. */
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
  const asked = await spec.ask(handle, options)
  const done = asked && (!waits || (await waitUntil(client, handle, spec.done, options.timeout)))
  const state = await handle.refresh()
  if (!options.json || !done) {
    const told = `${pid} ${stateText(state)}`
    if (!asked) note(`${told}: it has ended already, so there is nothing to ${spec.name}`)
    else if (!done) note(`${told}: asked to ${spec.name}, which has not happened yet and still will`)
    else print(spec.done(state) ? told : `${told}: asked to ${spec.name}`)
  }
  return { pid, state: state.label, paused: state.paused, done }
}
