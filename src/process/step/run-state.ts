import { guardedLogger, type Logger } from '../../shared/logger.ts'
import type { RetryPolicy } from '../../spec/retry-policy.ts'
import type { ProcessDefinition } from '../definition/process-definition.ts'
import type { Host } from '../host/host.ts'
import type { Hosted, ProcessObject } from '../host/process-object.ts'
import { isTerminal } from '../state/machine.ts'
import type { StateData } from '../state/state-data.ts'

/** Runs a function in an asynchronous context that was captured before. */
export type AsyncContext = <T>(run: () => T) => T

/**
 * The state of a process in this program, as data. `process-runner.ts` and the files beside it
 * change it; everything below them only reads it.
 */
export interface RunState {
  readonly pid: string
  readonly process: ProcessObject
  /** The process as its host sees it. */
  readonly hosted: Hosted
  readonly definition: ProcessDefinition
  readonly host: Host
  /** In wall-clock milliseconds. */
  readonly createdAt: number
  readonly logger: Logger
  /** The retries that the process was launched with. */
  launchRetry: RetryPolicy | undefined
  /** The state that was committed last. */
  state: StateData
  paused: { readonly message: string | undefined } | undefined
  status: string | undefined
  rawInputs: Readonly<Record<string, unknown>> | undefined
  inputs: Readonly<Record<string, unknown>>
  readonly outputs: Record<string, unknown>
  /** The number of commits so far. */
  seq: number
  /** Whether a step is running. */
  inStep: boolean
  /** Why the process was taken from this program. */
  detached: Error | undefined
  closed: boolean
  /**
   * The asynchronous context of the process: in memory, that of the code that runs it; otherwise
   * none.
   */
  context: AsyncContext
}

/** Whether the process has ended. */
export function isTerminated(run: Readonly<RunState>): boolean {
  return isTerminal(run.state.label)
}

/** Whether nothing more happens to the process in this program. */
export function isOver(run: Readonly<RunState>): boolean {
  return run.detached !== undefined || run.closed || isTerminal(run.state.label)
}

/**
 * Keeps the number of the running step through a commit that does not start a new step: the step
 * may have begun earlier, in a program that crashed, and the keys of its effects depend on the
 * number (C6).
 */
export function keepStepNumber(run: RunState): void {
  const { state } = run
  if (state.label === 'running' && state.number === undefined) run.state = { ...state, number: run.seq }
}

/**
 * Identifies the running step. It is the same for each attempt, even in a process that was
 * restarted from the one whose step this was.
 */
export function stepKeyOf(run: Readonly<RunState>): { readonly pid: string; readonly number: number } {
  const { state } = run
  if (state.label !== 'running') return { pid: run.pid, number: run.seq }
  return { pid: state.origin ?? run.pid, number: state.number ?? run.seq }
}

/**
 * The logger of the process, for messages of the library itself: what the logger throws is dropped.
 */
export function logOf(run: Readonly<RunState>): Logger {
  return guardedLogger(run.logger)
}

/** Logs an error that changes nothing for the process. */
export function reportError(run: Readonly<RunState>, error: unknown, message: string): void {
  logOf(run).error({ err: error, pid: run.pid, process: run.definition.name }, message)
}
