import { Option, type Command } from 'commander'
import { type ListFilter, ProcessState } from '../../index.ts'
import { suggestion } from '../../shared/nearest.ts'
import { UsageError } from './usage-error.ts'

const STATES = Object.values(ProcessState)
/** `paused` is a flag beside the state, but the option treats it as a state. */
const FILTERS = [...STATES, 'paused']

/** The states of unfinished processes. */
export const LIVE = [ProcessState.CREATED, ProcessState.RUNNING, ProcessState.WAITING] as const

export interface FilterOptions {
  readonly state?: readonly string[]
  readonly class?: string
  readonly label?: string
  readonly key?: string | undefined
}

export function withFilters(command: Command): Command {
  return command
    .addOption(
      new Option('--state <states>', `only processes in these states: ${FILTERS.join(', ')}`).argParser(
        (text: string) => text.split(','),
      ),
    )
    .option('--class <name>', 'only processes of this class')
    .option('--label <text>', 'only processes with exactly this label')
}

/** Returns the filter of these options; `states` is its default. @throws UsageError for an unknown state */
export function filterOf(options: FilterOptions, states?: ListFilter['state']): ListFilter {
  const asked = options.state?.filter((name) => name !== 'paused').map(requireState)
  const paused = options.state?.includes('paused')
  const state = asked !== undefined && asked.length > 0 ? asked : paused ? LIVE : states
  return {
    ...(state !== undefined && { state }),
    ...(paused && { paused }),
    ...(options.class !== undefined && { className: options.class }),
    ...(options.key !== undefined && { key: options.key }),
    ...(options.label !== undefined && { label: options.label }),
  }
}

function requireState(name: string): ProcessState {
  const state = STATES.find((known) => known === name)
  if (state === undefined) throw new UsageError(`there is no state '${name}'${suggestion(name, FILTERS)}`)
  return state
}
