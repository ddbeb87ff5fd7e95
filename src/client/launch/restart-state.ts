import type { Create } from '../../persistence/contract/writes.ts'
import type { Awaits } from '../../process/state/awaits.ts'
import { parseState, type SavedState } from '../../process/state/saved-state.ts'
import type { Running } from '../../process/state/state-data.ts'
import { waitsForText } from '../../process/step/wait-conditions.ts'
import { IncompatibleBundle } from '../../shared/errors.ts'
import type { StepKey } from './child-pid.ts'

/*
 * Makes the first state of a restarted process from the last state of the old one.
 */

/** A new process in place of an earlier one, and the writes that create it. */
export interface Restarted {
  readonly pid: string
  readonly writes: readonly Create[]
}

/** The processes that a state refers to. */
export interface Referenced {
  /** The restarted ones, by the pid of the old process. */
  readonly restarted: ReadonlyMap<string, Restarted>
  /** The pids of those that have not ended. */
  readonly living: ReadonlySet<string>
}

/** The state from which the new process continues, and its step if one is to run. */
export interface Continuation {
  readonly state: SavedState
  readonly step: StepKey | undefined
}

/** Continues from the last state of the process `pid`, with all attempts left. */
export function continuationOf(state: SavedState, pid: string, seq: number): Continuation {
  if (state.label === 'waiting' && state.retry !== undefined) {
    // A process that backs off has a step.
    const step = state.step as string
    return runningAs({ label: 'running', step, ...withFreshAttempts(state.retry) }, pid, seq)
  }
  return state.label === 'running'
    ? runningAs(withFreshAttempts(state), pid, seq)
    : { state, step: undefined }
}

/** Drops what belongs to earlier attempts. */
function withFreshAttempts<T extends { readonly attempt?: unknown; readonly failure?: unknown }>(
  facts: T,
): Omit<T, 'attempt' | 'failure'> {
  const { attempt: _attempt, failure: _failure, ...rest } = facts
  return rest
}

function runningAs(state: Running, pid: string, seq: number): Continuation {
  const { number = seq, origin = pid } = state
  return { state: { ...state, number, origin }, step: { pid: origin, number } }
}

/** Replaces the pids of restarted processes by their new pids. */
export function withNewPids(state: SavedState, { restarted }: Referenced): SavedState {
  const renewed = (awaits: Awaits): Awaits => ({
    ...awaits,
    pids: awaits.pids.map((pid) => restarted.get(pid)?.pid ?? pid),
  })
  if (state.label === 'running' && state.ended !== undefined) {
    return { ...state, ended: renewed(state.ended) }
  }
  if (state.label === 'waiting' && state.on !== undefined) return { ...state, on: renewed(state.on) }
  return state
}

/**
 * Returns the first state of the new process. If the step had received the outcomes of other
 * processes, the new process first waits again for those that were restarted or still run. With
 * `any`, it waits only if that is true of all of them.
 */
export function waitingAgain(state: SavedState, { restarted, living }: Referenced): SavedState {
  if (state.label !== 'running' || state.ended === undefined) return state
  const { label: _, step, at, ...facts } = state
  const { ended } = state
  const renewed = new Set([...restarted.values()].map(({ pid }) => pid))
  const left = ended.pids.filter((pid) => renewed.has(pid) || living.has(pid))
  if (left.length === 0 || (ended.any && left.length < ended.pids.length)) return state
  const position = at !== undefined && { at }
  return {
    label: 'waiting',
    step,
    message: `${waitsForText(left)} again`,
    data: undefined,
    on: ended,
    ...position,
    retry: { ...facts, ...position, attempt: 1, failure: 'a process that it waited for has failed' },
  }
}

/**
 * Returns the pids of the processes that a state refers to: those that it waits for, or whose ends
 * its step receives.
 */
export function awaitedIn(state: SavedState): readonly string[] {
  if (state.label === 'running') return state.ended?.pids ?? []
  return (state.label === 'waiting' && state.on?.pids) || []
}

/** @throws IncompatibleBundle if the last state of a process is damaged */
export function lastState(text: string, pid: string): SavedState {
  try {
    return parseState(text)
  } catch (cause) {
    throw new IncompatibleBundle(`the last state of process ${pid} is damaged, so it can't be restarted`, {
      cause,
    })
  }
}
