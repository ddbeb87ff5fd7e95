import type { Codec } from '../bundle/codec.ts'
import { decodeMemory } from '../bundle/memory-part.ts'
import { outputsOf } from '../client/read/saved-outputs.ts'
import type { Pending } from '../persistence/contract/control.ts'
import type { ProcessRow, StoredProcess } from '../persistence/contract/rows.ts'
import { isTerminal } from '../process/state/machine.ts'
import type { ProcessState } from '../process/state/process-state.ts'
import type { PartialOutputsOf } from '../spec/typing.ts'

/** The events that end the wait of a process. The first one ends it. */
export interface WaitsFor {
  /** Whether a resume ends it. */
  readonly resume: boolean
  /** The signal that ends it. */
  readonly signal: string | null
  /** When the wait ends by itself: a sleep, a timeout, a backoff, or the delay of a launch. */
  readonly until: Date | null
  /** The pids of the unfinished processes that it waits for, at most 100. */
  readonly processes: readonly string[]
}

/** The type of `ctx` in a process of class `C`. */
export type ContextOf<C> = C extends abstract new (...args: never) => { readonly ctx: infer Context }
  ? Context
  : Record<string, unknown>

/**
 * The saved form of a process that does not continue without help: it waits, is paused, or has
 * ended.
 */
export interface ProcessSnapshot<C = unknown> {
  readonly pid: string
  readonly state: ProcessState
  readonly ended: boolean
  /** Whether it succeeded; null while it has not ended. */
  readonly successful: boolean | null
  readonly paused: boolean
  /**
   * The next step, or the step that waits. For a work chain, its position in the outline. Null if
   * there is none.
   */
  readonly step: string | null
  /** Whether it waits inside a step. */
  readonly inStep: boolean
  /** The number of the attempt at the step, from 1. Above 1, a wait outside a step is a backoff. */
  readonly attempt: number
  readonly waitsFor: WaitsFor | null
  readonly ctx: ContextOf<C>
  /** The outputs emitted so far. */
  readonly outputs: PartialOutputsOf<C>
  /** The names of the signals that it has not received yet, oldest first, at most 100. */
  readonly signals: readonly string[]
  readonly exitCode: ProcessRow['exitCode']
  /** Why it waits, is paused or parked, or how it ended. */
  readonly message: string | null
}

export function processSnapshot<C>(
  stored: StoredProcess,
  pending: Pending,
  codec: Codec,
): ProcessSnapshot<C> {
  const { row } = stored
  const bundle = stored.bundle()
  return {
    pid: row.pid,
    state: row.state,
    ended: isTerminal(row.state),
    successful: row.successful,
    paused: row.paused !== null,
    step: row.step,
    inStep: row.inStep,
    attempt: row.attempt,
    waitsFor: waitsFor(row, pending),
    ctx: decodeMemory(bundle.parts['memory'], codec).ctx as ContextOf<C>,
    outputs: outputsOf(bundle.parts, codec) as PartialOutputsOf<C>,
    signals: pending.mail.flatMap(({ name }) => (name === null ? [] : [name])),
    exitCode: row.exitCode,
    message: row.parked ?? row.paused?.message ?? row.message ?? row.status,
  }
}

function waitsFor({ state, wait, readyAt }: ProcessRow, { on }: Pending): WaitsFor | null {
  if (wait !== null) {
    const { resume, signal, until } = wait
    return { resume, signal, until: until === null ? null : new Date(until), processes: on }
  }
  if (state !== 'created' || readyAt === null) return null
  return { resume: false, signal: null, until: new Date(readyAt), processes: [] }
}
