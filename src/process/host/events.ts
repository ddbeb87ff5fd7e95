import type { Process } from '../process.ts'

/** What every event of a process carries. */
export interface ProcessEvent {
  readonly process: Process
}

export interface ProcessPausedEvent extends ProcessEvent {
  /** The message given to `pause`. */
  readonly message: string | undefined
}

export interface ProcessFinishedEvent extends ProcessEvent {
  readonly outputs: Readonly<Record<string, unknown>>
  readonly result: unknown
  readonly successful: boolean
}

export interface ProcessExceptedEvent extends ProcessEvent {
  readonly error: unknown
}

export interface ProcessKilledEvent extends ProcessEvent {
  /** The message given to `kill`; empty if there was none. */
  readonly message: string
}

export interface OutputEmittedEvent extends ProcessEvent {
  /** The dotted name of the port. */
  readonly port: string
  readonly value: unknown
  /** Whether the port is not declared, but let in by a dynamic namespace. */
  readonly dynamic: boolean
}

/** The events of `process.events`. All come after the transition they tell of is durable, at least once. */
export interface ProcessEventMap {
  /** Before its first transition, so that listeners added after `new` hear of it. */
  'process:created': (event: ProcessEvent) => void
  /** A step is about to run. Again for each step. */
  'process:running': (event: ProcessEvent) => void
  'process:waiting': (event: ProcessEvent) => void
  'process:paused': (event: ProcessPausedEvent) => void
  'process:played': (event: ProcessEvent) => void
  'process:finished': (event: ProcessFinishedEvent) => void
  'process:excepted': (event: ProcessExceptedEvent) => void
  'process:killed': (event: ProcessKilledEvent) => void
  /** At once when `out()` is called, before the step's command is committed. */
  'output:emitted': (event: OutputEmittedEvent) => void
}
