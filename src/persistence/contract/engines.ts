/** What an engine can run. */
export interface Capabilities {
  /** The classes that the engine can load. */
  readonly classes: readonly LoadableClass[]
  /**
   * The labels that the engine was opened with; undefined: none. It runs what asks for one of them, and
   * what asks for none.
   */
  readonly labels?: readonly string[] | undefined
}

/** An engine that registers with a store and claims processes. */
export interface EngineIdentity extends Capabilities {
  readonly id: string
  readonly host: string
  readonly osPid: number
  /** Milliseconds for which the engine counts as alive after each heartbeat. */
  readonly lease: number
  /** The number of steps that the engine runs at the same time. */
  readonly concurrency: number
}

/** A class, with the newest version of its saved form that an engine can load. */
export interface LoadableClass {
  readonly name: string
  readonly version: number
}

/** Whether these classes can load the saved form of a process (C9). */
export function canLoad(classes: readonly LoadableClass[], name: string, version: number): boolean {
  return classes.some((one) => one.name === name && one.version >= version)
}

/** What decides which engines can run a process. */
export interface Requirements {
  readonly className: string
  readonly version: number
  /** The label that the process asks for; null for none. */
  readonly worker: string | null
}

/** Whether an engine can load a process (C9), and has the label that the process asks for. */
export function canRun(
  { classes, labels = [] }: Capabilities,
  { className, version, worker }: Requirements,
): boolean {
  return (worker === null || labels.includes(worker)) && canLoad(classes, className, version)
}

/** An engine as a store reports it. */
export interface EngineRow extends EngineIdentity {
  readonly startedAt: number
  /** When the lease ends, unless a heartbeat renews it. */
  readonly expires: number
  readonly alive: boolean
  /**
   * The suspect (C11) that the engine runs alone, or for which it drains. The engine starts nothing
   * else at the same time.
   */
  readonly suspect: EngineSuspect | null
}

export interface EngineSuspect {
  readonly pid: string
  readonly className: string
  /** Whether the suspect runs; otherwise the engine waits until its other steps have ended. */
  readonly runs: boolean
}

/** A class that can be launched by name. */
export interface ClassRow {
  readonly name: string
  readonly version: number
  /** The JSON Schema of the inputs, as text. */
  readonly inputs: string
  /** The deadline that the class declares, in milliseconds from the launch. */
  readonly deadlineAfter: number | null
  /** The JSON Schema of each signal's payload by the signal's name, as JSON text. */
  readonly signals: string
}
