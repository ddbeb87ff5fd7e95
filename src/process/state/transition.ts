import type { ExitCodeInfo } from './commands.ts'

/*
 * The words for what happens between two states: what a process waits for, what wakes it, how an
 * attempt fails and how the process ends.
 */

/** What ends a wait: whichever of these comes first. */
export interface WaitConditions {
  readonly resume: boolean
  /** The name of a signal. */
  readonly signal: string | null
  /** Wall-clock milliseconds. */
  readonly until: number | null
  /** The pids of the processes whose end the wait is for. */
  readonly on: readonly string[]
  /** Whether the end of one of those processes is enough. */
  readonly any: boolean
}

/** A wait within a step. */
export interface StepWait {
  /** In words, for lists. */
  readonly message: string
  readonly for: WaitConditions
}

/** What ended a wait. */
export interface WakeUp {
  readonly by: 'resume' | 'signal' | 'timer' | 'handles'
  /** The name of the signal. */
  readonly signal?: string | undefined
  /** @internal The stored message that the wake-up consumes, if there is one. */
  readonly id?: number | undefined
}

/** An attempt of a step that failed and is followed by another attempt or by a pause. */
export interface FailedAttempt {
  readonly step: string
  readonly attempt: number
  readonly attempts: number
  readonly message: string
  /** When the next attempt begins, in wall-clock milliseconds; null if it begins with a play. */
  readonly until: number | null
}

/** How a process ended, in words and numbers. The bundle holds the result or the error itself. */
export interface TransitionEnding {
  readonly successful: boolean
  readonly exitCode: ExitCodeInfo | null
  /** The message of the kill or of the error; for an unsuccessful process, what is missing. */
  readonly message: string | null
  /** Why the process could not run, if its own code was not the cause. */
  readonly reason?: EndingReason | undefined
}

/** `upstream`: another process failed. `rejected`: its inputs did not fit when it was to start. */
export type EndingReason = 'upstream' | 'rejected'

/** A signal that is kept until the process receives it. */
export interface KeptSignal {
  readonly id: number
  readonly value: unknown
}
