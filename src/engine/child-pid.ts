import { createHash } from 'node:crypto'
import type { AnyProcessClass } from '../process/handle.ts'

/**
 * The pid of a child that a step launches: the same each time the step runs, so that a step that runs again after a crash
 * finds its child instead of launching a second one (C2).
 *
 * A UUID of version 8: its first half is the parent's, so that a family stays together in the index; the rest is a hash of
 * the parent, the number of its step, the class and how many of that class the step has launched before.
 */
export function childPid(
  parent: string,
  step: number,
  processClass: AnyProcessClass | string,
  launched: Map<string, number>,
): string {
  const name = typeof processClass === 'string' ? processClass : processClass.name
  const count = (launched.get(name) ?? 0) + 1
  launched.set(name, count)
  const hash = createHash('sha256')
    .update(JSON.stringify([parent, step, name, count]))
    .digest('hex')
  const prefix = /^[0-9a-f]{8}-[0-9a-f]{4}-/.test(parent)
    ? parent.slice(0, 13)
    : `${hash.slice(24, 32)}-${hash.slice(32, 36)}`
  return `${prefix}-8${hash.slice(0, 3)}-a${hash.slice(3, 6)}-${hash.slice(6, 18)}`
}
