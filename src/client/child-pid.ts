import { v5 } from 'uuid'

/** Where the hashes are made; any UUID does, as long as it stays this one. */
const NAMESPACE = 'b1c4e6a2-6d0c-4d0e-9b52-5f3c1d7a8e90'

/** What the pid of a child follows from. */
export interface ChildOf {
  readonly parent: string
  /** What names the step that launches it; the pid is that of another process where the parent was restarted from that. */
  readonly step: { readonly pid: string; readonly number: number }
  /** The registered name of its class. */
  readonly className: string
  /** How many of that class the step has launched, with this one. */
  readonly count: number
  /** How many transitions after that which first led into the step it was launched: 0 unless it replaces one of an earlier attempt. */
  readonly generation: number
}

/**
 * The pid of a child that a step launches: the same each time the step runs, so that a step that runs again after a crash
 * finds its child instead of launching a second one (C2).
 *
 * A UUID of version 8: its first half is the parent's, so that a family stays together in the index; the rest is a hash.
 */
export function childPid({ parent, step, className, count, generation }: ChildOf): string {
  const from: unknown[] = [parent, step.number, className, count]
  if (step.pid !== parent || generation > 0) from.push(step.pid, generation)
  return pidFrom(from, parent)
}

/** The pid in place of this one, which a child has whose parent was pruned, and whose pid the parent that launches now was given again. */
export function nextPid(pid: string): string {
  return pidFrom([pid], pid)
}

function pidFrom(from: readonly unknown[], parent: string): string {
  // Without the digits that say the version and variant.
  const hash = v5(JSON.stringify(from), NAMESPACE)
    .replace(/-.(...)-.(...)-/, '$1$2')
    .replace('-', '')
  const prefix = /^[0-9a-f]{8}-[0-9a-f]{4}-/.test(parent)
    ? parent.slice(0, 13)
    : `${hash.slice(18, 26)}-${hash.slice(26, 30)}`
  return `${prefix}-8${hash.slice(0, 3)}-a${hash.slice(3, 6)}-${hash.slice(6, 18)}`
}

/** The entry of a step's record that says which child is launched there: what a restarted step takes over from the failed one. */
export function launchEntry(className: string, count: number): string {
  return `launch:${className}#${count}`
}
