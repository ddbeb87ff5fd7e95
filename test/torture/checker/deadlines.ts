import { wallClock } from './wall.ts'
import { text, type Finding, type Happened, type World } from './world.ts'

/** Another engine does a kill whose time is up within so long, in milliseconds, also where the machine is busy. */
const SEES = 3_000

/** A stored kill is done when its time is up, also where the engine that runs its process does nothing. */
export function checkDeadlines(world: World): Finding[] {
  const timesOf = wallClock(world)
  const hindrances = [...hindrancesOf(world), ...standstillsOf(world)]
  return Array.from(world.processes.values()).flatMap(({ pid, history }) => {
    const asked = history.find(({ name }) => name === 'kill requested')
    const done = history.find(({ name }) => name === 'killed')
    if (asked === undefined || done === undefined) return []
    const grace = deadlineOf(asked) - asked.at
    // Where the clock was set back there is more than one time at which it may have been.
    const spans = timesOf(asked.at).flatMap((at) =>
      timesOf(done.at).map((end) => ({ due: at + grace, end, late: end - at - grace })),
    )
    const excused = spans.some(({ due, end, late }) => late - hinderedBetween(due, end, hindrances) <= SEES)
    if (excused || spans.length === 0) return []
    const late = Math.min(...spans.map((span) => span.late))
    return [
      {
        rule: 'a kill is done when its time is up',
        pid,
        what: `${text(done)}, ${Math.round(late)} ms too late for ${text(asked)}`,
      },
    ]
  })
}

/** For how much of a time nothing could be done. */
function hinderedBetween(from: number, to: number, hindrances: readonly Hindrance[]): number {
  let sum = 0
  let counted = from
  for (const hindrance of hindrances.toSorted((one, other) => one.from - other.from)) {
    if (hindrance.isClock && hindrance.from <= to && hindrance.to >= from) return Infinity
    const [begin, end] = [Math.max(counted, hindrance.from), Math.min(to, hindrance.to)]
    if (end <= begin) continue
    sum += end - begin
    counted = end
  }
  return sum
}

function deadlineOf({ data }: Happened): number {
  return Number(data['deadline'])
}

interface Hindrance {
  readonly from: number
  to: number
  /** Whether the clock was moved, so that times before and after it can't be compared. */
  readonly isClock: boolean
}

/** When nobody could write, or somebody got no time. */
function hindrancesOf({ lines }: World): readonly Hindrance[] {
  const hindrances: Hindrance[] = []
  const begun = new Map<string, Hindrance>()
  for (const line of lines) {
    if (line.what === 'late') hindrances.push({ from: line.at - line.ms, to: line.at, isClock: false })
    if (line.what !== 'fault' || !/^(lock|full disk|vacuum|clock|server stopped)/.test(line.fault)) continue
    const known = begun.get(line.fault)
    if (line.phase === 'end' && known !== undefined) known.to = line.at
    else {
      const to = line.phase === 'at' ? line.at : Infinity
      const hindrance = { from: line.at, to, isClock: line.fault === 'clock' }
      begun.set(line.fault, hindrance)
      hindrances.push(hindrance)
    }
  }
  return hindrances
}

/** When every engine that was open stood still, so that there was none to do it. */
function standstillsOf({ lines }: World): readonly Hindrance[] {
  const standstills: Hindrance[] = []
  const open = new Set<string>()
  const faults = new Map<string, Set<string>>()
  let last: Hindrance | undefined
  for (const line of lines) {
    if (line.what === 'engine') open.add(line.by)
    else if (line.what === 'exit') open.delete(line.program)
    else if (line.what === 'fault' && line.program !== undefined && /^(freeze|block)$/.test(line.fault)) {
      const known = faults.get(line.program) ?? new Set()
      if (line.phase === 'begin') known.add(line.fault)
      else known.delete(line.fault)
      faults.set(line.program, known)
    } else continue
    const isStill = open.size > 0 && [...open].every((program) => (faults.get(program)?.size ?? 0) > 0)
    if (isStill && last === undefined) {
      last = { from: line.at, to: Infinity, isClock: false }
      standstills.push(last)
    } else if (!isStill && last !== undefined) {
      last.to = line.at
      last = undefined
    }
  }
  return standstills
}
