import {
  DamsonError,
  KeyConflictError,
  PersistenceError,
  PortValidationError,
  ProcessLost,
  SerializationError,
  SpecError,
  UnknownProcessClass,
} from '../../index.ts'

export const ExitCode = {
  DONE: 0,
  /** The process failed, or what was waited for did not come. */
  FAILED: 1,
  USAGE_ERROR: 2,
} as const

/** What the person at the terminal can put right; the message says how. */
export class UsageError extends Error {}

const TO_PUT_RIGHT = [
  UsageError,
  PortValidationError,
  SpecError,
  KeyConflictError,
  UnknownProcessClass,
  ProcessLost,
  PersistenceError,
]

export function codeOf(error: unknown): number {
  return TO_PUT_RIGHT.some((known) => error instanceof known) ? ExitCode.USAGE_ERROR : ExitCode.FAILED
}

/** An error in words. Only an error that nobody expected comes with its stack. */
export function describeError(error: unknown): string {
  if (error instanceof PortValidationError) {
    const lines = error.problems.map(({ port, message }) => `  ${port}: ${message}`)
    return `these values do not fit\n${lines.join('\n')}`
  }
  if (error instanceof UsageError || error instanceof SerializationError) return error.message
  if (error instanceof DamsonError) return withCauses(error)
  if (error instanceof RangeError) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** The message, and those of what caused it, where they say more. */
function withCauses(error: Error): string {
  const lines = [error.message]
  for (let at = error.cause, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    const { message } = at
    if (!lines.some((line) => line.includes(message))) lines.push(`  because: ${message}`)
  }
  return lines.join('\n')
}
