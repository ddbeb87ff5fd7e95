import { TransitionError } from '../../shared/errors.ts'
import type { Awaited, HandleLike } from './commands.ts'

/** Processes that are waited for, as it is saved. */
export interface Awaits {
  readonly pids: readonly string[]
  /** How what they come to is handed on: as the one value, as a list, or under these names. */
  readonly as: 'one' | 'list' | readonly string[]
  /** Whether the first that ends is enough. */
  readonly any: boolean
}

/** @throws TransitionError for what is no handle */
export function awaitsOf(on: Awaited, any: boolean): Awaits {
  if (Array.isArray(on)) return { pids: on.map((handle) => pidOf(handle)), as: 'list', any }
  if (isHandle(on)) return { pids: [on.pid], as: 'one', any }
  const entries = Object.entries(on as Readonly<Record<string, HandleLike>>)
  return { pids: entries.map(([, handle]) => pidOf(handle)), as: entries.map(([name]) => name), any }
}

/** Values in the order of the pids, in the shape in which the handles were given. */
export function shaped({ as }: Awaits, values: readonly unknown[]): unknown {
  if (as === 'one') return values[0]
  if (as === 'list') return values
  return Object.fromEntries(as.map((name, index) => [name, values[index]]))
}

export function isHandle(value: unknown): value is HandleLike {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Partial<HandleLike>).pid === 'string' &&
    typeof (value as { readonly outcome?: unknown }).outcome === 'function'
  )
}

function pidOf(handle: unknown): string {
  if (isHandle(handle)) return handle.pid
  throw new TransitionError(
    `A wait is for the handles of processes, as \`launch\` gives them, and was given ${typeof handle}. Has an \`await\` been forgotten before \`this.launch\`?`,
  )
}
