import { checkActors } from './actors.ts'
import { checkControl } from './control.ts'
import { checkDeadlines } from './deadlines.ts'
import { checkEffects } from './effects.ts'
import { checkHistory } from './history.ts'
import { checkLaunches } from './launches.ts'
import { checkOutcomes } from './models.ts'
import { checkPrograms } from './programs.ts'
import { checkSignals } from './signals.ts'
import { checkSteps } from './steps.ts'
import { text, type Finding, type World } from './world.ts'

/** Everything that must hold after a run. */
export function check(world: World): Finding[] {
  return [
    ...checkPrograms(world),
    ...checkLaunches(world),
    ...checkHistory(world),
    ...checkSteps(world),
    ...checkEffects(world),
    ...checkSignals(world),
    ...checkControl(world),
    ...checkDeadlines(world),
    ...checkOutcomes(world),
    ...checkActors(world),
  ]
}

/** How much of log and history a finding shows. */
const MOST = 60

/** A finding with the lines of the log and the entries of the history that are of its process. */
export function report(world: World, { rule, pid, what }: Finding): string {
  const parts = [`VIOLATED: ${rule}`, `  ${pid === undefined ? '' : `${pid}: `}${what}`]
  if (pid === undefined) return parts.join('\n')
  const process = world.processes.get(pid)
  const own = world.lines.filter(
    (line) =>
      ('pid' in line && line.pid === pid) ||
      (line.what === 'answer' &&
        world.lines.some((ask) => ask.what === 'ask' && ask.op === line.op && ask.pid === pid)),
  )
  parts.push('  log:')
  for (const { index, wall: _wall, ...line } of own.slice(-MOST))
    parts.push(`    ${index + 1} ${JSON.stringify(line)}`)
  parts.push('  history:')
  for (const entry of process?.history.slice(-MOST) ?? []) parts.push(`    ${text(entry)}`)
  return parts.join('\n')
}
