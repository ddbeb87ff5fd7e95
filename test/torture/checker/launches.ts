import type { AskLine } from '../log.ts'
import { answersOf } from './signals.ts'
import { groupBy, type Finding, type Numbered, type World } from './world.ts'

/** What may be said to whoever asks, while the disk is full, locked, or the process has ended. */
const REFUSALS = ['AlreadyDone', 'PersistenceError', 'ClosedError', 'exit 1', 'exit 2']

/** What may be said of some questions besides. */
const OTHERS: Readonly<Partial<Record<AskLine['do'], readonly string[]>>> = {
  // What the call refers to was itself not queued.
  call: ['MailboxFull', 'ProcessLost'],
  stop: ['WaitTimeout'],
  // There is nothing to read of an actor that was killed.
  read: ['ProcessKilled'],
}

/** What was acknowledged is there, once, as it was asked for; and nobody is refused without a reason. */
export function checkLaunches(world: World): Finding[] {
  const findings: Finding[] = []
  const answers = answersOf(world.lines)
  const asks = world.lines.filter((line): line is Numbered & AskLine => line.what === 'ask')
  for (const ask of asks) {
    const answer = answers.get(ask.op)
    if (answer === undefined) continue
    if (!answer.ok && ![...REFUSALS, ...(OTHERS[ask.do] ?? [])].includes(answer.error ?? ''))
      findings.push({
        rule: 'what is asked is refused only with a reason',
        pid: ask.pid,
        what: `${ask.do}: ${answer.error}: ${String(answer.value)}, line ${answer.index + 1}`,
      })
    if (!answer.ok || (ask.do !== 'launch' && ask.do !== 'restart')) continue
    const pid = String(answer.value)
    const process = world.processes.get(pid)
    const rule = 'what is launched is there'
    if (process === undefined)
      findings.push({ rule, pid, what: `${ask.op}, line ${answer.index + 1}, is not in the store` })
    else if (ask.do === 'launch') {
      if (process.class !== ask.class || process.key !== (ask.key ?? null))
        findings.push({ rule, pid, what: `it is a ${process.class} with key ${process.key}` })
      if (JSON.stringify(process.inputs) !== JSON.stringify(ask.inputs))
        findings.push({ rule, pid, what: `its inputs are ${JSON.stringify(process.inputs)}` })
      if (ask.key === undefined && pid !== ask.pid)
        findings.push({ rule, pid, what: `it was to be ${ask.pid}` })
    }
  }
  const keyed = groupBy(
    asks.filter(({ key, op }) => key !== undefined && answers.get(op)?.ok === true),
    ({ key }) => key,
  )
  for (const [key, same] of keyed) {
    const pids = new Set(same.map(({ op }) => answers.get(op)?.value))
    if (pids.size > 1)
      findings.push({ rule: 'a key is one process', what: `${key} is ${[...pids].join(', ')}` })
  }
  findings.push(...checkUnasked(world, asks), ...checkDelays(world, asks))
  return findings
}

/** Nothing is there that nobody asked for. */
function checkUnasked({ processes }: World, asks: readonly AskLine[]): Finding[] {
  const asked = new Set(asks.filter((ask) => ask.do === 'launch').map(({ pid }) => pid))
  return Array.from(processes.values()).flatMap(({ pid, parent, origin, key, actor }) =>
    actor !== null || parent !== null || origin !== null || key !== null || asked.has(pid)
      ? []
      : [{ rule: 'what is launched was asked for', pid, what: 'nobody has asked for it' }],
  )
}

/** A step does not begin before the delay of its launch has passed. */
function checkDelays(world: World, asks: readonly (Numbered & AskLine)[]): Finding[] {
  const begun = new Map<string, Numbered>()
  for (const line of world.lines)
    if (line.what === 'step' && line.phase === 'begin' && !begun.has(line.pid)) begun.set(line.pid, line)
  return asks.flatMap(({ pid, wall, delay, key }) => {
    const first = begun.get(pid)
    if (delay === undefined || key !== undefined || first === undefined || first.wall >= wall + delay - 1)
      return []
    if (clockWentBack(world, first)) return []
    return [
      {
        rule: 'a delay is kept',
        pid,
        what: `it began ${first.wall - wall} ms after it was launched, line ${first.index + 1}, with a delay of ${delay} ms`,
      },
    ]
  })
}

/** Whether the clock was set back shortly before: then a step has begun in time and says so too late. */
function clockWentBack({ lines }: World, { at }: Numbered): boolean {
  return lines.some(
    (line) =>
      line.what === 'fault' &&
      line.fault === 'clock' &&
      line.detail?.startsWith('-') === true &&
      line.at <= at &&
      at - line.at < 5_000,
  )
}
