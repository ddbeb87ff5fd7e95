import { DamsonError, PortValidationError, SerializationError } from '../../index.ts'

/** An error that the user can correct. The message explains how. */
export class UsageError extends Error {}

/** Returns the text of an error. Only an unexpected error is shown with its stack. */
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

/** Returns the message, and the messages of the causes that add to it. */
function withCauses(error: Error): string {
  const lines = [error.message]
  for (let at = error.cause, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    const { message } = at
    if (!lines.some((line) => line.includes(message))) lines.push(`  because: ${message}`)
  }
  return lines.join('\n')
}
