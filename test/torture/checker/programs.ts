import { Excuses } from './excuses.ts'
import { wallClock } from './wall.ts'
import { text, type Finding, type World } from './world.ts'

/** Only the injector ends programs, and only an engine that it killed or froze is taken for dead. */
export function checkPrograms(world: World): Finding[] {
  const findings: Finding[] = []
  const faults = new Map<string, string[]>()
  for (const line of world.lines) {
    if (line.what === 'fault' && line.program !== undefined) {
      const own = faults.get(line.program) ?? []
      own.push(line.fault)
      faults.set(line.program, own)
      if (line.fault.startsWith('does not end'))
        findings.push({ rule: 'a program that is asked to end does', what: `${line.program}: ${line.fault}` })
    }
    if (line.what !== 'exit') continue
    const own = faults.get(line.program) ?? []
    if (
      line.signal === 'SIGKILL' &&
      own.some((fault) => fault === 'SIGKILL' || fault.startsWith('does not end'))
    )
      continue
    if (own.includes('SIGTERM') && (line.code === 0 || line.signal === 'SIGTERM')) continue
    const isCommand = line.program.startsWith('m')
    const byItself = line.code === 0 && !line.program.startsWith('e')
    if (byItself || (isCommand && (line.code === 1 || line.code === 2))) continue
    findings.push({
      rule: 'only the injector ends programs',
      what: `${line.program} ended with ${line.signal ?? line.code}: ${world.said.get(line.program)?.slice(0, 2_000) ?? 'it said nothing'}`,
    })
  }
  for (const [program, said] of world.said) {
    const isCommand = program.startsWith('m')
    const lines = said
      .split('\n')
      .filter((line) => line !== '' && !/ExperimentalWarning|--trace-warnings/.test(line))
    const bad = isCommand ? lines.filter((line) => /^ {4}at |Unhandled|FATAL/.test(line)) : lines
    if (bad.length > 0)
      findings.push({
        rule: 'nothing is thrown that nobody catches',
        what: `${program}: ${said.slice(0, 2_000)}`,
      })
  }
  for (const lock of world.locks) findings.push({ rule: 'lock files are gone', what: lock })
  if (world.integrity !== 'ok') findings.push({ rule: 'the file is whole', what: world.integrity })
  findings.push(...checkCrashes(world))
  return findings
}

function checkCrashes(world: World): Finding[] {
  const excuses = new Excuses(world)
  const timesOf = wallClock(world)
  const programs = new Map<string, string>()
  const killed = new Map<string, number>()
  for (const line of world.lines) {
    if (line.what === 'engine') programs.set(line.id, line.by)
    if (line.what === 'fault' && line.fault === 'SIGKILL' && line.program !== undefined)
      killed.set(line.program, line.at)
  }
  return Array.from(world.processes.values()).flatMap(({ pid, history }) =>
    history.flatMap((entry) => {
      if (entry.name !== 'crashed') return []
      const program = programs.get(entry.by ?? '')
      // It was killed before it could say that it had opened.
      if (program === undefined) return []
      const since = killed.get(program) ?? Infinity
      const isExcused = timesOf(entry.at).some(
        (at) => at >= since - READING || excuses.stoodNear(program, world.lease * 0.8, at),
      )
      if (isExcused) return []
      return [
        {
          rule: 'no healthy engine is taken for dead',
          pid,
          what: `${text(entry)}, which is ${program}: nobody has killed it by then, or frozen it for a lease near that time`,
        },
      ]
    }),
  )
}

/** What is read of two clocks one after the other may be so far apart, in milliseconds. */
const READING = 5
