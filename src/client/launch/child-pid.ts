import { v5 } from 'uuid'

/** Where the hashes are made; any UUID does, as long as it stays this one. */
const NAMESPACE = 'b1c4e6a2-6d0c-4d0e-9b52-5f3c1d7a8e90'

/** What names a step, in each of its attempts; it is that of another process where the process was restarted from that. */
export interface StepKey {
  readonly pid: string
  readonly number: number
}

/** What a step launches. */
export interface Launch {
  readonly step: StepKey
  /** The branch of the step; empty outside of one. */
  readonly branch: string
  /** The registered name of the class. */
  readonly className: string
  /** The inputs as they are saved; undefined for what only the class can save, which is told by its class alone. */
  readonly inputs: string | undefined
}

/**
 * The pid of a child that a step launches: the same each time the step runs, in whatever order it launches, so that a step that runs again
 * after a crash finds its child instead of launching a second one (C2).
 *
 * A UUID of version 8. Its first twelve digits are the parent's, so that a family stays together in the index; the next six say in which
 * attempt at which step the child was launched, and the last twelve what it is (`launchId`).
 */
export function childPid(parent: string, tag: string, id: string): string {
  const prefix = /^[0-9a-f]{8}-[0-9a-f]{4}-/.test(parent) ? parent.slice(0, 13) : prefixed(hashOf([parent]))
  return `${prefix}-8${tag.slice(0, 3)}-a${tag.slice(3)}-${id}`
}

/**
 * What of the pid of a child says in which attempt at a step it was launched. `generation` counts the transitions after that which first
 * led into the step: 0, unless the child replaces one of an earlier attempt.
 */
export function stepTag(parent: string, { pid, number }: StepKey, generation: number): string {
  return hashOf([parent, pid, number, generation]).slice(0, 6)
}

/** The tag and the id in the pid of a child, which follow from the step that launched it; undefined for a pid that was given. */
export function partsOf(pid: string): { readonly tag: string; readonly id: string } | undefined {
  const found = /^[0-9a-f]{8}-[0-9a-f]{4}-8([0-9a-f]{3})-a([0-9a-f]{3})-([0-9a-f]{12})$/.exec(pid)
  return found === null ? undefined : { tag: `${found[1]}${found[2]}`, id: found[3] as string }
}

/** Tells the launches of a step from each other: equal ones are counted, and nothing else is. */
export class LaunchIds {
  readonly #counts = new Map<string, number>()

  next({ step, branch, className, inputs }: Launch): string {
    const launch = hashOf([step.pid, step.number, branch, className, inputs ?? null])
    const count = (this.#counts.get(launch) ?? 0) + 1
    this.#counts.set(launch, count)
    return hashOf([launch, count]).slice(0, 12)
  }
}

/** The pid in place of this one, which a child has whose parent was pruned, and whose pid the parent that launches now was given again. */
export function nextPid(pid: string): string {
  return pidFrom([pid], pid)
}

/** The entry of a step's record that says which child is launched there: what a restarted step takes over from the failed one. */
export function launchEntry(id: string): string {
  return `launch:${id}`
}

// ---------- as before the inputs counted ----------

/** What the pid of a child followed from that was launched by a version before. */
export interface FormerChild {
  readonly parent: string
  readonly step: StepKey
  readonly className: string
  /** How many of that class the step had launched, with this one. */
  readonly count: number
  readonly generation: number
}

/** The pid of a child that was launched by a version before, which counted the children of a class. */
export function formerChildPid({ parent, step, className, count, generation }: FormerChild): string {
  const from: unknown[] = [parent, step.number, className, count]
  if (step.pid !== parent || generation > 0) from.push(step.pid, generation)
  return pidFrom(from, parent)
}

function pidFrom(from: readonly unknown[], parent: string): string {
  const hash = hashOf(from)
  const prefix = /^[0-9a-f]{8}-[0-9a-f]{4}-/.test(parent) ? parent.slice(0, 13) : prefixed(hash.slice(18))
  return `${prefix}-8${hash.slice(0, 3)}-a${hash.slice(3, 6)}-${hash.slice(6, 18)}`
}

function prefixed(hash: string): string {
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}`
}

/** Thirty digits. */
function hashOf(from: readonly unknown[]): string {
  // Without the digits that say the version and variant.
  return v5(JSON.stringify(from), NAMESPACE)
    .replace(/-.(...)-.(...)-/, '$1$2')
    .replace('-', '')
}
