import type { AnswerLine, AskLine } from '../log.ts'
import { groupBy, type Finding, type Numbered, type World } from './world.ts'

interface Sent {
  readonly value: unknown
  readonly name: string
  readonly asked: number
  /** Where it was acknowledged, if it was. */
  readonly stored: number | undefined
  readonly refused: boolean
}

/** Signals and resumes come once each, in the order in which they were sent, and none is lost. */
export function checkSignals(world: World): Finding[] {
  const findings: Finding[] = []
  for (const [pid, sent] of sentTo(world)) {
    const process = world.processes.get(pid)
    if (process === undefined) continue
    for (const [name, ones] of groupBy(sent, (one) => one.name)) {
      const entries = process.history.filter((entry) =>
        name === '' ? entry.name === 'resumed' : entry.name === 'signalled' && entry.data['name'] === name,
      ).length
      const stored = ones.filter((one) => one.stored !== undefined).length
      const most = ones.filter((one) => !one.refused).length
      if (entries < stored || entries > most)
        findings.push({
          rule: 'what is acknowledged is stored once',
          pid,
          what: `of ${most} times ${name || 'resume'} ${stored} were acknowledged, and the history has ${entries}`,
        })
    }
    const { got } = process.outputs
    if (process.state === 'finished' && Array.isArray(got)) findings.push(...checkGot(pid, got, sent))
  }
  for (const process of world.processes.values()) {
    const { got } = process.outputs
    if (
      process.state === 'finished' &&
      Array.isArray(got) &&
      got.length > 0 &&
      !sentTo(world).has(process.pid)
    )
      findings.push({ rule: 'only what was sent is received', pid: process.pid, what: JSON.stringify(got) })
  }
  return findings
}

function checkGot(pid: string, got: readonly unknown[], sent: readonly Sent[]): Finding[] {
  const findings: Finding[] = []
  if (new Set(got).size !== got.length)
    findings.push({ rule: 'no signal is received twice', pid, what: JSON.stringify(got) })
  const places = new Map(got.map((value, index) => [value, index]))
  for (const value of got)
    if (!sent.some((one) => one.value === value))
      findings.push({ rule: 'only what was sent is received', pid, what: JSON.stringify(value) })
  for (const later of sent) {
    const at = places.get(later.value)
    if (at === undefined) continue
    for (const earlier of sent) {
      if (earlier.name !== later.name || earlier.stored === undefined || earlier.stored > later.asked)
        continue
      const place = places.get(earlier.value)
      if (place === undefined)
        findings.push({
          rule: 'no signal is lost',
          pid,
          what: `${JSON.stringify(earlier.value)}, line ${earlier.stored + 1}, came before ${JSON.stringify(later.value)} and was not received`,
        })
      else if (place > at)
        findings.push({
          rule: 'signals come in their order',
          pid,
          what: `${JSON.stringify(later.value)} was received before ${JSON.stringify(earlier.value)}`,
        })
    }
  }
  return findings
}

function sentTo({ lines }: World): ReadonlyMap<string, Sent[]> {
  const answers = answersOf(lines)
  const asks = lines.filter(
    (line): line is Numbered & AskLine =>
      line.what === 'ask' && (line.do === 'signal' || line.do === 'resume'),
  )
  return new Map(
    Array.from(
      groupBy(asks, ({ pid }) => pid),
      ([pid, own]) => [pid, own.map((ask) => sentOf(ask, answers.get(ask.op)))],
    ),
  )
}

function sentOf(ask: Numbered & AskLine, answer: (Numbered & AnswerLine) | undefined): Sent {
  const isStored = answer?.ok === true && answer.value !== false
  return {
    value: ask.op,
    name: ask.name ?? '',
    asked: ask.index,
    stored: isStored ? answer.index : undefined,
    // A process that has ended takes none; any other error may have come after it was stored.
    refused: answer !== undefined && (answer.error === 'AlreadyDone' || answer.value === false),
  }
}

export function answersOf(lines: readonly Numbered[]): ReadonlyMap<string, Numbered & AnswerLine> {
  return new Map(
    lines
      .filter((line): line is Numbered & AnswerLine => line.what === 'answer')
      .map((line) => [line.op, line]),
  )
}
