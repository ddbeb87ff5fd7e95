import {
  KeyConflictError,
  PersistenceError,
  PortValidationError,
  ProcessLost,
  SpecError,
  UnknownProcessClass,
} from '../../index.ts'
import { UsageError } from './usage-error.ts'

/** How a command ends the program. A stop by a signal, and a closed output, have codes of their own. */
export const ExitCode = {
  DONE: 0,
  /** The process failed, a wait took too long, or there was nothing to do. */
  FAILED: 1,
  USAGE_ERROR: 2,
} as const

/** The errors that the user can correct. */
const CORRECTABLE = [
  UsageError,
  PortValidationError,
  SpecError,
  KeyConflictError,
  UnknownProcessClass,
  ProcessLost,
  PersistenceError,
]

/** The exit code of a command that an error ends. */
export function codeOf(error: unknown): number {
  return CORRECTABLE.some((known) => error instanceof known) ? ExitCode.USAGE_ERROR : ExitCode.FAILED
}
