import type { Codec } from '../bundle/codec.ts'
import { decodeMemory } from '../bundle/memory.ts'
import { outputsOf } from '../client/handle/outcome.ts'
import type { Pending } from '../persistence/contract/control.ts'
import type { ProcessRow, StoredProcess } from '../persistence/contract/rows.ts'
import { isTerminal } from '../process/state/machine.ts'
import type { ProcessState } from '../process/state/process-state.ts'
import type { PartialOutputsOf } from '../spec/typing.ts'

/** What a process waits for: the first of these that comes. */
export interface WaitsFor {
  /** Whether a resume ends it. */
  readonly resume: boolean
  /** The signal that ends it. */
  readonly signal: string | null
  /** When it ends by itself: a sleep, a time-out, a back-off, the delay of a launch. */
  readonly until: Date | null
  /** The pids of processes that it waits for and that have not ended, 100 of them at most. */
  readonly processes: readonly string[]
}

/** The type of `ctx` in a process of class `C`. */
export type ContextOf<C> = C extends abstract new (...args: never) => { readonly ctx: infer Context }
  ? Context
  : Record<string, unknown>

/** A process that does not move by itself, as it is saved: at a wait, paused, or ended. */
export interface Standstill<C = unknown> {
  readonly pid: string
  readonly state: ProcessState
  readonly ended: boolean
  /** Whether it ended well; null while it has not ended. */
  readonly successful: boolean | null
  readonly paused: boolean
  /** The step that comes next, or that waits; of a work chain its place in the outline. Null where there is none. */
  readonly step: string | null
  /** Whether it waits in the flow of a step. */
  readonly inStep: boolean
  /** How often the step has been begun; 1 unless it is retried. Above 1 in a wait of its own, it backs off. */
  readonly attempt: number
  readonly waitsFor: WaitsFor | null
  readonly ctx: ContextOf<C>
  /** The outputs so far. */
  readonly outputs: PartialOutputsOf<C>
  /** The names of the signals that are kept for it and not received, the oldest first, 100 at most. */
  readonly signals: readonly string[]
  readonly exitCode: ProcessRow['exitCode']
  /** Why it waits, is paused or set aside, or how it ended. */
  readonly message: string | null
}

export function standstill<C>(stored: StoredProcess, pending: Pending, codec: Codec): Standstill<C> {
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
