import type { FailedAttempt } from './transition.ts'

/* The events in the history of a process: their names and data. */

/**
 * The process entered a state, or its step waits (`waiting`) or continues after a wait (`running`).
 */
export interface StateEntered {
  /** The step that runs in the state, or after it. */
  readonly step?: string | undefined
  /** The message of the wait, or of the end. */
  readonly message?: string | undefined
  /** The code of a process that finished with one. */
  readonly exitCode?: number | undefined
  /** Whether a finished process succeeded. */
  readonly successful?: boolean | undefined
}

/** The message of a request, if there was one. */
export interface WithMessage {
  readonly message?: string | undefined
}

/** The type of the data of each event of a history, by the event's name. */
export interface HistoryEvents {
  /**
   * The process was launched. For a restart or a resubmit: the pid of the process that it was made
   * from.
   */
  created: { readonly restarted?: string; readonly resubmitted?: string }
  running: StateEntered
  waiting: StateEntered
  finished: StateEntered
  excepted: StateEntered
  killed: StateEntered
  /** An attempt of a step failed and is followed by another attempt or by a pause. */
  failed: FailedAttempt
  /** A step ended with waits that it had begun and not awaited. */
  dropped: { readonly waits: readonly string[] }

  /** A step recorded an effect, or with `failed` the error of one. */
  effect: { readonly name: string; readonly failed?: string | undefined }
  /** A step began to sleep; `until` is in wall-clock milliseconds. */
  sleeping: { readonly name: string; readonly until: number }
  /** A step received a signal, or stopped waiting for it. */
  received: { readonly name: string; readonly timedOut?: true | undefined }
  /**
   * The code of the process or a client added an event of its own. `at` is when it was added, in
   * wall-clock milliseconds.
   */
  event: {
    readonly name: string
    readonly at: number
    readonly data?: unknown
    /** Set if a client added it. */
    readonly caller?: true | undefined
  }
  /** A step kept a checkpoint. */
  checkpoint: { readonly tag: string }

  /** A pause of a running process was requested. */
  'pause requested': WithMessage
  /** `cause` is missing if someone asked for the pause. */
  paused: WithMessage & { readonly cause?: 'failure' | 'crashes' | undefined }
  played: {}
  /** A retry of a process that backed off was requested. */
  retried: {}
  /**
   * A kill was requested. After `deadline`, in wall-clock milliseconds, the process is killed
   * whatever it does.
   */
  'kill requested': WithMessage & { readonly deadline: number }
  resumed: {}
  /** A signal of that name was sent to the process. */
  signalled: { readonly name: string }

  /**
   * A saved value was changed from outside. `before` and `after` are its saved JSON, cut if it is
   * long; `before` is missing if there was none.
   */
  edited: { readonly path: string; readonly before?: string | undefined; readonly after: string }

  /** An idle actor was called. */
  called: {}
  /** An actor accepts no more calls, and ends once it has run the queued ones. */
  stopping: {}

  /** The processes that it waited for have ended. */
  joined: {}
  /** A process that was restarted from its parent took it over. */
  adopted: { readonly parent: string }

  /** Its engine died while it ran, for the `crashes`th time without a transition in between. */
  crashed: { readonly step?: string | undefined; readonly crashes: number }
  /** An engine claimed it after a crash. */
  recovered: {}
  /** The store dropped its result and its outputs. */
  'result dropped': { readonly why: string }

  /** An engine gave it back because it stopped. */
  released: {}
  /** The process can't be loaded and was parked. */
  parked: { readonly reason: string }
}

/**
 * An event of a process's history. The name determines the type of the data. An event without data
 * has no `data`.
 */
export type HistoryEvent = {
  [Name in keyof HistoryEvents]: {} extends HistoryEvents[Name]
    ? { readonly name: Name; readonly data?: HistoryEvents[Name] | undefined }
    : { readonly name: Name; readonly data: HistoryEvents[Name] }
}[keyof HistoryEvents]
