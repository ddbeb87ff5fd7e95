import { Option, type Command } from 'commander'
import { isTerminal, type ListFilter, ProcessState } from '../../index.ts'
import { nearest } from '../../shared/nearest.ts'
import { UsageError } from './usage-error.ts'

const STATES = Object.values(ProcessState)
/** Conditions other than states, which the option accepts like states. Each must hold. */
const FLAGS = {
  ready: { ready: true },
  paused: { paused: true },
  'gave-up': { gaveUp: true },
  pausing: { requested: 'pause' },
  killing: { requested: 'kill' },
  parked: { parked: true },
  failed: { successful: false },
  unrepaired: { successful: false, superseded: false },
} satisfies Readonly<Record<string, ListFilter>>
type Flag = keyof typeof FLAGS
const FILTERS = [...STATES, ...Object.keys(FLAGS)]

/** The states of processes that have ended. */
export const ENDED = STATES.filter(isTerminal)

/** The states of processes that have failed. One that was killed was ended on purpose. */
const FAILED = [ProcessState.FINISHED, ProcessState.EXCEPTED]

/** The states of unfinished processes. */
export const LIVE = [ProcessState.CREATED, ProcessState.RUNNING, ProcessState.WAITING] as const

export interface FilterOptions {
  readonly state?: readonly string[]
  readonly class?: string
  readonly label?: string
  readonly group?: string
  readonly key?: string | undefined
}

export function withFilters(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--state <states>',
        `only processes in one of these states, separated by commas: ${STATES.join(', ')}; and that meet each of these conditions: ${Object.keys(FLAGS).join(', ')} (see damson help list)`,
      ).argParser((text: string) => text.split(',')),
    )
    .option('--class <name>', 'only processes of this class')
    .option('--label <text>', 'only processes with exactly this label')
    .option('--group <name>', 'only processes of this group')
}

/** Returns the filter of these options; `states` is its default. @throws UsageError for an unknown state */
export function filterOf(options: FilterOptions, states?: ListFilter['state']): ListFilter {
  const asked = options.state ?? []
  const flags = asked.filter(isFlag)
  const own = asked.filter((name) => !isFlag(name)).map(requireState)
  const state = own.length > 0 ? own : flags.length === 0 ? states : statesOf(flags)
  return {
    ...(state !== undefined && { state }),
    ...(saysReady(own) && { ready: false }),
    ...flags.reduce<ListFilter>((all, flag) => ({ ...all, ...FLAGS[flag] }), {}),
    ...(options.class !== undefined && { className: options.class }),
    ...(options.key !== undefined && { key: options.key }),
    ...(options.label !== undefined && { label: options.label }),
    ...(options.group !== undefined && { group: options.group }),
  }
}

/** The states that conditions without a state are about. */
function statesOf(flags: readonly Flag[]): readonly ProcessState[] {
  if (flags.includes('unrepaired')) return FAILED
  return flags.includes('failed') ? ENDED : LIVE
}

function isFlag(name: string): name is Flag {
  return Object.hasOwn(FLAGS, name)
}

/** Whether the list shows `ready` in place of one of these states. */
function saysReady(states: readonly ProcessState[]): boolean {
  const { RUNNING, WAITING } = ProcessState
  return states.length > 0 && states.every((state) => state === RUNNING || state === WAITING)
}

function requireState(name: string): ProcessState {
  const state = STATES.find((known) => known === name)
  const near = state === undefined ? nearest(name, FILTERS) : undefined
  if (state === undefined)
    throw new UsageError(
      `there is no state '${name}'${near === undefined ? `; there are ${FILTERS.join(', ')}` : `; did you mean '${near}'?`}`,
    )
  return state
}
