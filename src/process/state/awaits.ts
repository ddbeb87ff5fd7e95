import { TransitionError } from '../../shared/errors.ts'

/** Anything that refers to a process by its pid: a handle. */
export interface HandleLike {
  readonly pid: string
}

/** Handles to wait for: one, a list, or named ones. The results have the same shape. */
export type Awaited = HandleLike | readonly HandleLike[] | Readonly<Record<string, HandleLike>>

/** The processes that a wait is for, in their saved form. */
export interface Awaits {
  readonly pids: readonly string[]
  /** The shape of the results: one value, a list, or an object with these keys. */
  readonly as: 'one' | 'list' | readonly string[]
  /** Whether the end of one of the processes is enough. */
  readonly any: boolean
}

/** @throws TransitionError for a value that is not a handle */
export function awaitsOf(on: Awaited, any: boolean): Awaits {
  if (Array.isArray(on)) return { pids: on.map((handle) => pidOf(handle)), as: 'list', any }
  if (isHandle(on)) return { pids: [on.pid], as: 'one', any }
  const entries = Object.entries(on as Readonly<Record<string, HandleLike>>)
  return { pids: entries.map(([, handle]) => pidOf(handle)), as: entries.map(([name]) => name), any }
}

/** Gives values, in the order of the pids, the shape in which the handles were given. */
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
