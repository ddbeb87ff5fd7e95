/** Who claims processes. */
export interface EngineIdentity {
  readonly id: string
  readonly host: string
  readonly osPid: number
  /** Milliseconds for which the engine counts as alive after each beat. */
  readonly lease: number
  /** What it can load: a class up to a version. */
  readonly classes: readonly LoadableClass[]
}

/** A class up to a version. */
export interface LoadableClass {
  readonly name: string
  readonly version: number
}

export interface EngineRow extends EngineIdentity {
  readonly startedAt: number
  /** When the lease ends, unless it is renewed. */
  readonly expires: number
  readonly alive: boolean
  /** The suspect (C11) that runs there alone, or for which the engine drains: beside it nothing else is started there. */
  readonly suspect: EngineSuspect | null
}

export interface EngineSuspect {
  readonly pid: string
  readonly className: string
  /** Whether it runs; else the engine waits for its other steps to end. */
  readonly runs: boolean
}

export interface ClassRow {
  readonly name: string
  readonly version: number
  /** JSON Schema of the inputs, as text. */
  readonly inputs: string
  /** JSON text: the JSON Schema of each signal's payload by the signal's name. */
  readonly signals: string
}
