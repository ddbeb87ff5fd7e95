/*
 * The events of a process. `P` is the type by which listeners see the process: users see `Process`,
 * the runner sees only `ProcessObject`.
 */

/** What every event of a process carries. */
export interface ProcessEvent<P> {
  readonly process: P
}

export interface ProcessPausedEvent<P> extends ProcessEvent<P> {
  /** The message given to `pause`. */
  readonly message: string | undefined
}

export interface ProcessFinishedEvent<P> extends ProcessEvent<P> {
  readonly outputs: Readonly<Record<string, unknown>>
  readonly result: unknown
  readonly successful: boolean
}

export interface ProcessExceptedEvent<P> extends ProcessEvent<P> {
  readonly error: unknown
}

export interface ProcessKilledEvent<P> extends ProcessEvent<P> {
  /** The message given to `kill`; empty if there was none. */
  readonly message: string
}

export interface OutputEmittedEvent<P> extends ProcessEvent<P> {
  /** The dotted name of the port. */
  readonly port: string
  readonly value: unknown
  /** Whether the port is not declared, but let in by a dynamic namespace. */
  readonly dynamic: boolean
}

/**
 * The events of `process.events`. Each comes after its transition is durable, at least once;
 * `output:emitted` comes at once.
 */
// Written as methods, so that an emitter for `ProcessObject` can be seen as one for `Process`.
export interface ProcessEventMap<P> {
  /** Before the first transition, so that listeners added after `new` receive it. */
  'process:created'(event: ProcessEvent<P>): void
  /** A step is about to run. Comes again for each step. */
  'process:running'(event: ProcessEvent<P>): void
  'process:waiting'(event: ProcessEvent<P>): void
  'process:paused'(event: ProcessPausedEvent<P>): void
  'process:played'(event: ProcessEvent<P>): void
  'process:finished'(event: ProcessFinishedEvent<P>): void
  'process:excepted'(event: ProcessExceptedEvent<P>): void
  'process:killed'(event: ProcessKilledEvent<P>): void
  /** At once when `out()` is called, before the step's command is committed. */
  'output:emitted'(event: OutputEmittedEvent<P>): void
}
