import { wallClock } from './wall.ts'
import { text, type Finding, type Happened, type World } from './world.ts'

/** Another engine does a kill whose time is up within so long, in milliseconds, also where the machine is busy. */
const SEES = 3_000

/** A stored kill is done when its time is up, also where the engine that runs its process does nothing. */
export function checkDeadlines(world: World): Finding[] {
  const timesOf = wallClock(world)
  const hindrances = hindrancesOf(world)
  return Array.from(world.processes.values()).flatMap(({ pid, history }) => {
    const asked = history.find(({ name }) => name === 'kill requested')
    const done = history.find(({ name }) => name === 'killed')
    if (asked === undefined || done === undefined) return []
    const grace = deadlineOf(asked) - asked.at
    // Where the clock was set back there is more than one time at which it may have been.
    const spans = timesOf(asked.at).flatMap((at) =>
      timesOf(done.at).map((end) => ({ due: at + grace, end, late: end - at - grace })),
    )
    const excused = spans.some(
      ({ due, end, late }) => late <= SEES || hindrances.some(({ from, to }) => from <= end && to >= due),
    )
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

function deadlineOf({ data }: Happened): number {
  return Number(data['deadline'])
}

/** When nobody could write, or nobody got any time. */
function hindrancesOf({ lines }: World): readonly { readonly from: number; readonly to: number }[] {
  const hindrances: { from: number; to: number }[] = []
  let last: { from: number; to: number } | undefined
  for (const line of lines) {
    if (line.what === 'late') hindrances.push({ from: line.at - line.ms, to: line.at })
    if (line.what !== 'fault' || !/^(lock|full disk|vacuum|clock)/.test(line.fault)) continue
    if (line.phase === 'end' && last !== undefined) last.to = line.at
    else hindrances.push((last = { from: line.at, to: line.phase === 'at' ? line.at : Infinity }))
  }
  return hindrances
}
