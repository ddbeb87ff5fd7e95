import type { ExitCodeInfo } from './commands.ts'
import type { TransitionEnding, Wake } from './host.ts'

/*
 * A state together with what belongs to it. It is what the `state` part of a bundle holds.
 */

export interface Created {
  readonly label: 'created'
}
export interface Running {
  readonly label: 'running'
  readonly step: string
  readonly args: readonly unknown[]
}
export interface Waiting {
  readonly label: 'waiting'
  /** The step that a wake-up leads to; without one the process finishes with the value. */
  readonly step: string | null
  readonly message: string | undefined
  readonly data: unknown
}
export interface Finished {
  readonly label: 'finished'
  readonly result: unknown
  readonly successful: boolean
  readonly exitCode: ExitCodeInfo | undefined
  /** What is missing of an unsuccessful one. */
  readonly message: string | undefined
}
export interface Excepted {
  readonly label: 'excepted'
  readonly error: unknown
}
export interface Killed {
  readonly label: 'killed'
  readonly message: string | undefined
}
export type Stage = Created | Running | Waiting | Finished | Excepted | Killed

/** What a step is told of how its wait ended; the store's own id of the wake-up is not its business. */
export function toldWake({ by }: Wake): Pick<Wake, 'by'> {
  return { by }
}

export function finished(
  result: unknown,
  successful = true,
  exitCode?: ExitCodeInfo,
  message?: string,
): Finished {
  return { label: 'finished', result, successful, exitCode: exitCode && plainExitCode(exitCode), message }
}

export function excepted(error: unknown): Excepted {
  return { label: 'excepted', error }
}

export function killed(message: string | undefined): Killed {
  return { label: 'killed', message }
}

/** Without its class, as it is saved. */
function plainExitCode({ code, label, message }: ExitCodeInfo): ExitCodeInfo {
  return { code, label, message }
}

/** The step that is to run in this state, or after it. */
export function stepOf(stage: Stage): string | null {
  if (stage.label === 'created') return 'run'
  return stage.label === 'running' || stage.label === 'waiting' ? stage.step : null
}

/** How a process in this state ended; null if it did not. */
export function endingOf(stage: Stage): TransitionEnding | null {
  switch (stage.label) {
    case 'finished':
      return {
        successful: stage.successful,
        exitCode: stage.exitCode ?? null,
        message: stage.message ?? stage.exitCode?.message ?? null,
      }
    case 'excepted':
      return { successful: false, exitCode: null, message: errorText(stage.error) }
    case 'killed':
      return { successful: false, exitCode: null, message: stage.message ?? null }
    default:
      return null
  }
}

/** The text of whatever was thrown. */
export function errorText(error: unknown): string {
  if (error instanceof Error) return error.message === '' ? error.name : error.message
  try {
    return String(error)
  } catch {
    return 'something that has no text was thrown'
  }
}
