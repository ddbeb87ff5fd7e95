import type { AskLine } from '../log.ts'
import { Excuses } from './excuses.ts'
import { answersOf } from './signals.ts'
import { wallClock } from './wall.ts'
import {
  text,
  ancestors,
  type Finding,
  type Happened,
  type Numbered,
  type Stored,
  type World,
} from './world.ts'

/** An engine hears of a kill within so long, in milliseconds, also where the machine is busy. */
const HEARS = 3_000
/** A branch that wakes while others still wait moves its process only with what it does next by name. */
const BRANCHES = 'Branches'
const PAUSES = ['paused', 'pause requested']
const ENDS = ['finished', 'excepted', 'killed']

type Ask = Numbered & AskLine

/** What an acknowledged pause or kill promises. */
export function checkControl(world: World): Finding[] {
  const findings: Finding[] = []
  const answers = answersOf(world.lines)
  const excuses = new Excuses(world)
  const asks = world.lines.filter((line): line is Ask => line.what === 'ask')
  for (const ask of asks) {
    const answer = answers.get(ask.op)
    const process = world.processes.get(ask.pid)
    if (answer === undefined || !answer.ok || process === undefined) continue
    if (answer.value === false) {
      if (ask.do === 'kill' && process.ended_at === null)
        findings.push({
          rule: 'only what has ended is not killed',
          pid: ask.pid,
          what: `${ask.op} was answered with false`,
        })
      continue
    }
    if (ask.do === 'kill') findings.push(...checkKill(world, ask, answer, process, excuses))
    if (ask.do === 'pause') findings.push(...checkPause(world, ask, answer, asks, excuses))
  }
  findings.push(...checkChildren(world), ...checkKilled(world, asks))
  return findings
}

/** The first entry that a pause has left in each process that it reached. */
function entriesOf(world: World, op: string): { readonly process: Stored; readonly entry: Happened }[] {
  return Array.from(world.processes.values()).flatMap((process) => {
    const entry = process.history.find(({ name, data }) => PAUSES.includes(name) && data['message'] === op)
    return entry === undefined ? [] : [{ process, entry }]
  })
}

function checkKill(world: World, ask: Ask, answer: Numbered, process: Stored, excuses: Excuses): Finding[] {
  const { pid } = process
  const findings: Finding[] = []
  const found = (rule: string, pid: string, what: string): void => void findings.push({ rule, pid, what })
  if (process.state !== 'killed')
    found(
      'what an acknowledged kill reached ends killed',
      pid,
      `${ask.op}, line ${answer.index + 1}; it is ${process.state}`,
    )
  const stored = killEntry(process)
  if (stored === undefined) {
    found('an acknowledged kill is stored', pid, `${ask.op}, line ${answer.index + 1}`)
    return findings
  }
  // Whatever it launched, and that did, and had not ended when the kill was stored.
  for (const other of world.processes.values()) {
    if (!ancestors(world, other.pid).includes(pid)) continue
    const end = other.history.find(({ name }) => ENDS.includes(name))
    if (end !== undefined && end.id < stored.id) continue
    if (other.state !== 'killed')
      found(
        'a kill reaches the whole tree',
        other.pid,
        `${pid} was killed, ${text(stored)}; it is ${other.state}`,
      )
  }
  for (const line of world.lines.slice(answer.index + 1)) {
    if (line.what !== 'effect' || line.phase !== 'begin' || line.pid !== pid) continue
    if (line.at - answer.at < HEARS || excuses.stale(line)) continue
    found(
      'no effect begins after a kill',
      pid,
      `${line.name}, line ${line.index + 1}; killed in line ${answer.index + 1}`,
    )
  }
  return findings
}

/** Where its kill was stored, or it was killed at once. */
function killEntry({ history }: Stored): Happened | undefined {
  return history.find(({ name }) => name === 'kill requested' || name === 'killed')
}

function checkPause(
  world: World,
  ask: Ask,
  answer: Numbered,
  asks: readonly Ask[],
  excuses: Excuses,
): Finding[] {
  const findings: Finding[] = []
  const reached = entriesOf(world, ask.op)
  const target = world.processes.get(ask.pid)
  if (
    target !== undefined &&
    !reached.some(({ process }) => process === target) &&
    !wasPaused(target, ask, answer, wallClock(world))
  )
    findings.push({
      rule: 'an acknowledged pause is stored',
      pid: ask.pid,
      what: `${ask.op}, line ${answer.index + 1}`,
    })
  const answers = answersOf(world.lines)
  for (const { process, entry } of reached) {
    const { pid } = process
    // One that computes goes on to the end of its step; that no other begins is said by the history.
    if (entry.name !== 'paused') continue
    const line = [pid, ...ancestors(world, pid)]
    const plays = asks.filter((one) => (one.do === 'play' || one.do === 'retry') && line.includes(one.pid))
    const open = plays.some(
      ({ op, index }) => index < answer.index && (answers.get(op)?.index ?? Infinity) > ask.index,
    )
    if (open) continue
    const until = plays.find(({ index }) => index > answer.index)?.index ?? Infinity
    for (const one of world.lines.slice(answer.index + 1)) {
      if (one.index > until) break
      if (!('pid' in one) || one.pid !== pid || excuses.stale(one)) continue
      const moves =
        (one.what === 'woke' && process.class !== BRANCHES) ||
        one.what === 'recorded' ||
        (one.what === 'step' && one.phase === 'begin')
      if (!moves && !(one.what === 'effect' && one.phase === 'begin')) continue
      findings.push({
        rule: 'what is paused does not move',
        pid,
        what: `${one.what} in line ${one.index + 1}; paused by ${ask.op}, line ${answer.index + 1}, ${text(entry)}`,
      })
      break
    }
  }
  return findings
}

/** Whether another pause held at some time while this one was asked: the first message stays. */
function wasPaused(
  { history }: Stored,
  ask: Ask,
  answer: Numbered,
  timesOf: (wall: number) => readonly number[],
): boolean {
  const isBefore = (wall: number): boolean => timesOf(wall).some((at) => at <= answer.at + SLACK)
  let since: number | undefined
  for (const { name, at } of history) {
    if (name === 'paused' || name === 'pause requested') since ??= at
    if (name === 'played') {
      if (since !== undefined && isBefore(since) && timesOf(at).some((end) => end >= ask.at - SLACK))
        return true
      since = undefined
    }
  }
  return since !== undefined && isBefore(since)
}

/** The clock of one program is read a little before or after that of another. */
const SLACK = 5

/** Nothing is launched by what has ended or is being killed. */
function checkChildren({ processes }: World): Finding[] {
  return Array.from(processes.values()).flatMap((child) => {
    const parent = child.parent === null ? undefined : processes.get(child.parent)
    const kill = parent === undefined ? undefined : killEntry(parent)
    const created = child.history[0]
    if (kill === undefined || created === undefined || created.id < kill.id) return []
    return [
      {
        rule: 'what is being killed launches nothing',
        pid: child.pid,
        what: `${text(created)}, after its parent's ${text(kill)}`,
      },
    ]
  })
}

/** Whatever is killed was asked to be, or descends from what was. */
function checkKilled(world: World, asks: readonly Ask[]): Finding[] {
  const targets = new Set(asks.filter((ask) => ask.do === 'kill').map(({ pid }) => pid))
  return Array.from(world.processes.values()).flatMap(({ pid, state }) => {
    if (state !== 'killed' || [pid, ...ancestors(world, pid)].some((one) => targets.has(one))) return []
    return [{ rule: 'only what was asked to be is killed', pid, what: 'nobody has asked for it' }]
  })
}
