import { childPid, launchEntry, nextPid } from '../client/child-pid.ts'
import type { ProcessRow } from '../persistence/store.ts'
import { hosted } from '../process/process.ts'
import type { Run } from './run.ts'

/**
 * The pid under which the step that runs launches its next child of this class. A step that runs again after a crash finds the child that
 * it launched before; one that is tried again after it failed finds it too, but launches it anew where it ended unsuccessfully in an
 * earlier attempt. A restarted step finds those that its record names.
 */
export async function launchingPid(
  run: Run,
  className: string,
  read: (pid: string) => Promise<ProcessRow | undefined>,
): Promise<LaunchingPid> {
  const launches = (run.launches ??= new Map())
  const count = (launches.get(className) ?? 0) + 1
  launches.set(className, count)
  const hold = hosted(run.process)
  const { stepKey: step } = hold
  const parent = run.process.pid
  const pidOf = (generation: number): string => childPid({ parent, step, className, count, generation })
  const recorded = hold.recorded(launchEntry(className, count))
  // A step is begun again by a transition; the first one of a restarted process is that which it was created with.
  const generation = run.seq - (step.pid === parent ? step.number : 0)
  if (recorded !== undefined) {
    const { pid } = JSON.parse(recorded) as { readonly pid: string }
    if (generation === 0 || !failed(await read(pid))) return { pid, isOwn: false }
  }
  if (generation === 0) return own(pidOf(0))
  for (let earlier = generation; earlier >= 0; earlier--) {
    const row = await read(await freePid(pidOf(earlier), parent, read))
    if (row !== undefined) return own(failed(row) ? pidOf(generation) : row.pid)
  }
  return own(pidOf(generation))
}

/** The pid of a child to be launched, and whether it follows from the step, rather than from its record. */
export interface LaunchingPid {
  readonly pid: string
  readonly isOwn: boolean
}

function own(pid: string): LaunchingPid {
  return { pid, isOwn: true }
}

/** The first pid, from this one on, that no child of another parent has: one that had the pid of this parent, and was pruned. */
export async function freePid(
  pid: string,
  parent: string,
  read: (pid: string) => Promise<ProcessRow | undefined>,
): Promise<string> {
  const row = await read(pid)
  return row === undefined || row.parent === parent ? pid : freePid(nextPid(pid), parent, read)
}

function failed(row: ProcessRow | undefined): boolean {
  return row?.successful === false
}
