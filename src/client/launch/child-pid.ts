import { v5 } from 'uuid'

/**
 * The namespace of the hashes. Any UUID would do, but it must never change, because the pids of all
 * children depend on it.
 */
const NAMESPACE = 'b1c4e6a2-6d0c-4d0e-9b52-5f3c1d7a8e90'

/**
 * Identifies a step in all of its attempts. In a restarted process, `pid` is that of the process in
 * which the step first began.
 */
export interface StepKey {
  readonly pid: string
  readonly number: number
}

/** What a step launches. */
export interface Launch {
  readonly step: StepKey
  /** The branch of the step; empty outside of any branch. */
  readonly branch: string
  /** The registered name of the class. */
  readonly className: string
  /**
   * The saved inputs. Undefined if only the class can save them; the launch is then identified by
   * its class alone.
   */
  readonly inputs: string | undefined
}

/**
 * Returns the pid of a child that a step launches. The pid is the same each time the step runs, in
 * whatever order it launches. A step that runs again after a crash therefore finds its child
 * instead of launching a second one (C2).
 *
 * The pid is a UUID of version 8. Its first twelve digits are the parent's, so that a family stays
 * together in the index. The tag (`stepTag`) identifies the attempt at the step, and the id
 * (`LaunchIds`) the launch.
 */
export function childPid(parent: string, tag: string, id: string): string {
  const prefix = /^[0-9a-f]{8}-[0-9a-f]{4}-/.test(parent) ? parent.slice(0, 13) : prefixed(hashOf([parent]))
  return `${prefix}-8${tag.slice(0, 3)}-a${tag.slice(3)}-${id}`
}

/**
 * Returns the part of a child's pid that identifies the attempt at the step. `generation` counts
 * the transitions since the one that first led into the step. It is 0, except for a child that
 * replaces a failed child of an earlier attempt.
 */
export function stepTag(parent: string, { pid, number }: StepKey, generation: number): string {
  return hashOf([parent, pid, number, generation]).slice(0, 6)
}

/** Returns the tag and the id in the pid of a child; undefined for a pid of another form. */
export function partsOf(pid: string): { readonly tag: string; readonly id: string } | undefined {
  const found = /^[0-9a-f]{8}-[0-9a-f]{4}-8([0-9a-f]{3})-a([0-9a-f]{3})-([0-9a-f]{12})$/.exec(pid)
  return found === null ? undefined : { tag: `${found[1]}${found[2]}`, id: found[3] as string }
}

/**
 * Gives each launch of a step an id. Equal launches are counted, so that they get different ids.
 */
export class LaunchIds {
  readonly #counts = new Map<string, number>()

  next({ step, branch, className, inputs }: Launch): string {
    const launch = hashOf([step.pid, step.number, branch, className, inputs ?? null])
    const count = (this.#counts.get(launch) ?? 0) + 1
    this.#counts.set(launch, count)
    return hashOf([launch, count]).slice(0, 12)
  }
}

/**
 * Returns another pid. It is used when the first one belongs to a child of a pruned process that
 * had the same pid as the parent.
 */
export function nextPid(pid: string): string {
  return pidFrom([pid], pid)
}

/**
 * Returns the pid of the process that a bulk request resubmits a process as. It is the same each
 * time, so that of several requests at the same time only one resubmits the process.
 */
export function resubmittedPid(pid: string): string {
  return pidFrom([pid, 'resubmitted'], pid)
}

/**
 * Returns the name of the record entry that holds the child of a launch. A restarted step takes the
 * entry over from the failed one.
 */
export function launchEntry(id: string): string {
  return `launch:${id}`
}

// ---------- pids of earlier releases, which did not depend on the inputs ----------

/** What the pid of a child was derived from in earlier releases. */
export interface FormerChild {
  readonly parent: string
  readonly step: StepKey
  readonly className: string
  /** How many children of the class the step had launched, this one included. */
  readonly count: number
  readonly generation: number
}

/** Returns the pid that earlier releases gave to a child. They counted the children of a class. */
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

/**
 * Returns thirty hexadecimal digits: those of a UUID without the digits of its version and variant.
 */
function hashOf(from: readonly unknown[]): string {
  return v5(JSON.stringify(from), NAMESPACE)
    .replace(/-.(...)-.(...)-/, '$1$2')
    .replace('-', '')
}
