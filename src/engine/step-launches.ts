import {
  childPid,
  LaunchIds,
  launchEntry,
  nextPid,
  stepTag,
  type Launch,
} from '../client/launch/child-pid.ts'
import { earlierChildren, type EarlierChild } from '../client/launch/earlier-children.ts'
import type { ProcessRow } from '../persistence/contract/rows.ts'
import type { Hosted } from '../process/host/process-object.ts'

/** Reads what is stored of the children of a step. */
export interface ChildReader {
  read(pid: string): Promise<ProcessRow | undefined>
  children(parent: string): Promise<readonly ProcessRow[]>
  inputsOf(pid: string): Promise<string | undefined>
}

/** A step that launches children. */
export interface LaunchingStep {
  readonly process: Hosted
  /** The sequence number of the commit that led into the step, or into its present attempt. */
  readonly seq: number
  /** Whether the step had been begun before: it may have launched something. */
  readonly rerunsStep: boolean
}

/** The launches of one step. */
export class StepLaunches {
  readonly #step: LaunchingStep
  readonly #reader: ChildReader
  readonly #ids = new LaunchIds()
  readonly #found = new Set<string>()
  #earlier: Promise<Map<string, EarlierChild>> | undefined

  constructor(step: LaunchingStep, reader: ChildReader) {
    this.#step = step
    this.#reader = reader
  }

  /**
   * The pid under which the step launches a child. A step that runs again after a crash finds the
   * child that it launched before. A retried step also finds the child, but launches a new one if
   * the child ended unsuccessfully in an earlier attempt. A restarted step finds the children that
   * its record names.
   */
  async pidOf(launch: Omit<Launch, 'step'>): Promise<LaunchingPid> {
    const { process } = this.#step
    const { stepKey: step } = process
    const id = this.#ids.next({ ...launch, step })
    this.#found.add(id)
    const generation = this.#generation
    const pid = childPid(process.pid, stepTag(process.pid, step, generation), id)
    const recorded = process.recorded(launchEntry(id))
    if (recorded !== undefined) {
      const known = (JSON.parse(recorded) as { readonly pid: string }).pid
      if (generation === 0 || !failed(await this.#reader.read(known))) return { pid: known, isOwn: false }
    }
    if (!this.#runsAgain) return { pid, isOwn: true }
    const earlier = (await this.#known()).get(id)
    if (earlier === undefined) return { pid, isOwn: true }
    const isAnew = earlier.generation < generation && failed(await this.#reader.read(earlier.row.pid))
    return { pid: isAnew ? pid : earlier.row.pid, isOwn: true }
  }

  /** The name of a group that was launched without one. It is the same each time the step runs. */
  groupName(branch: string, className: string): string {
    const { process } = this.#step
    const { stepKey: step } = process
    const id = this.#ids.next({ step, branch, className: `group of ${className}`, inputs: undefined })
    return `group-${childPid(process.pid, stepTag(process.pid, step, 0), id)}`
  }

  /**
   * The children that an earlier run of the step launched and this run has not. Earlier runs in the
   * process that was restarted count too. Children that ended without success are left out.
   * Undefined if the step can't have any such children.
   */
  missing(): Promise<readonly ProcessRow[]> | undefined {
    return this.#runsAgain ? this.#missing() : undefined
  }

  async #missing(): Promise<readonly ProcessRow[]> {
    const pids = this.#takenOver()
    for (const [id, { row }] of await this.#known()) pids.set(id, row.pid)
    const missing: ProcessRow[] = []
    for (const [id, pid] of pids) {
      if (this.#found.has(id)) continue
      const now = await this.#reader.read(pid)
      if (now !== undefined && now.successful !== false && now.killRequested === null) missing.push(now)
    }
    return missing
  }

  /**
   * The pids of the children that the record of a restarted step names, by the ids of their
   * launches.
   */
  #takenOver(): Map<string, string> {
    const pids = new Map<string, string>()
    const prefix = launchEntry('')
    for (const [entry, text] of this.#step.process.records()) {
      if (!entry.startsWith(prefix)) continue
      pids.set(entry.slice(prefix.length), (JSON.parse(text) as { readonly pid: string }).pid)
    }
    return pids
  }

  /**
   * How many attempts at this step came before the present one. In a restarted process the step
   * number belongs to the old process, so `seq` alone counts.
   */
  get #generation(): number {
    const { process, seq } = this.#step
    const { stepKey: step } = process
    return seq - (step.pid === process.pid ? step.number : 0)
  }

  /** Whether the step may have launched something before. */
  get #runsAgain(): boolean {
    return this.#step.rerunsStep || this.#generation > 0
  }

  #known(): Promise<Map<string, EarlierChild>> {
    const { process } = this.#step
    const { stepKey: step } = process
    const find = async (): Promise<Map<string, EarlierChild>> => {
      const children = await this.#reader.children(process.pid)
      return earlierChildren(process.pid, step, this.#generation, children, (pid) =>
        this.#reader.inputsOf(pid),
      )
    }
    return (this.#earlier ??= find())
  }
}

/**
 * The pid of a child to be launched. `isOwn`: it was computed from the step, not read from the
 * step's record.
 */
export interface LaunchingPid {
  readonly pid: string
  readonly isOwn: boolean
}

/**
 * The first pid, from this one on, that no child of another parent has. An earlier parent with the
 * same pid may have left such a child when it was pruned.
 */
export async function freePid(
  pid: string,
  parent: string,
  reader: Pick<ChildReader, 'read'>,
): Promise<string> {
  const row = await reader.read(pid)
  return row === undefined || row.parent === parent ? pid : freePid(nextPid(pid), parent, reader)
}

function failed(row: ProcessRow | undefined): boolean {
  return row?.successful === false
}
