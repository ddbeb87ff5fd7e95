import type { AskLine, ToldLine } from '../log.ts'
import { answersOf } from './signals.ts'
import {
  text,
  groupBy,
  type Finding,
  type Happened,
  type Numbered,
  type Stored,
  type World,
} from './world.ts'

/*
 * Actors and their calls. What a ledger comes to is said here once more, independently of its code: each call that has finished has changed it
 * once, in the order in which the calls came.
 */

/** No sum of a ledger gets larger. */
const MOST = 1_000_003
/** The one ledger whose calls may pass one that waits for its inputs. */
const PASSES = 'ledger ready'
/** How often a call of this ledger is tried again, unless the call says otherwise. */
const RETRIES: Readonly<Record<string, number>> = { 'ledger again': 1 }

const ENDS = ['finished', 'excepted', 'killed']
/** What the engine of an actor does with a call. */
const SERVED = new Set(['running', 'effect', 'sleeping', 'failed', 'finished'])

type Ask = Numbered & AskLine
interface Notice {
  readonly place: number
  readonly n: number
  readonly token?: string
}

export function isActor({ calls }: Stored): boolean {
  return calls !== null
}

export function isCall({ actor }: Stored): boolean {
  return actor !== null
}

/** Nothing is under way in an actor, which then is at rest for good. */
export function isAtRest({ calls, state, owner, paused }: Stored): boolean {
  return calls === 0 && state === 'waiting' && owner === null && paused === 0
}

/** Each call changes its actor once, in its order, and nobody is told or shown anything else. */
export function checkActors(world: World): Finding[] {
  const all = Array.from(world.processes.values())
  const actors = all.filter(isActor)
  const calls = all.filter(isCall)
  const own = groupBy(calls, ({ actor }) => actor)
  return [
    ...checkQueued(world, calls),
    ...actors.flatMap((actor) => checkLedger(world, actor, own.get(actor.pid) ?? [])),
    ...actors.flatMap((actor) => checkPauses(actor, own.get(actor.pid) ?? [])),
    ...calls.flatMap((call) => checkEnd(world, call)),
    ...checkReads(world),
    ...checkTold(world),
  ]
}

/** The number of the question by which a call was queued. */
function opOf({ inputs }: Stored): unknown {
  return (inputs['args'] as readonly unknown[])[0]
}

/** What is called is queued once, as it was asked for, and the calls of one program in the order in which it made them. */
function checkQueued({ lines, processes }: World, calls: readonly Stored[]): Finding[] {
  const findings: Finding[] = []
  const answers = answersOf(lines)
  const asks = lines.filter((line): line is Ask => line.what === 'ask' && line.do === 'call')
  const asked = new Map(asks.map((ask) => [ask.op, ask]))
  const queued = groupBy(calls, opOf)
  for (const [op, [call, ...more]] of queued) {
    if (call === undefined) continue
    const { pid } = call
    for (const other of more)
      findings.push({ rule: 'a call is queued once', pid, what: `${String(op)} is ${other.pid} as well` })
    const ask = asked.get(String(op))
    if (ask === undefined || ask.pid !== call.actor || ask.class !== call.class)
      findings.push({ rule: 'what is launched was asked for', pid, what: `${String(op)} is another call` })
    else if (numbersOf(ask.inputs) !== numbersOf(call.inputs, 1))
      findings.push({
        rule: 'what is launched is there',
        pid,
        what: `its inputs are ${JSON.stringify(call.inputs)}`,
      })
  }
  for (const { op, pid } of asks) {
    const answer = answers.get(op)
    if (answer?.ok !== true) continue
    const found = processes.get(String(answer.value))
    if (found === undefined || opOf(found) !== op)
      findings.push({
        rule: 'what is launched is there',
        pid,
        what: `the call ${op}, line ${answer.index + 1}, is not in the store`,
      })
  }
  const places = new Map(calls.map((call, index) => [opOf(call), index]))
  for (const same of groupBy(asks, ({ by, pid }) => `${by} ${pid}`).values()) {
    let last: Ask | undefined
    for (const ask of same) {
      const place = places.get(ask.op)
      if (place === undefined) continue
      if (last !== undefined && place < (places.get(last.op) ?? 0))
        findings.push({
          rule: 'calls keep the order of their caller',
          pid: ask.pid,
          what: `${ask.op} comes before ${last.op}`,
        })
      last = ask
    }
  }
  return findings
}

/** The numbers among the arguments; a reference is none. */
function numbersOf(inputs: unknown, from = 0): string {
  const { args } = inputs as { readonly args: readonly unknown[] }
  return args
    .slice(from)
    .filter((one) => typeof one === 'number')
    .join()
}

/** The state of a ledger, and what each call gave, is what the calls that have finished come to one after the other. */
function checkLedger(world: World, actor: Stored, calls: readonly Stored[]): Finding[] {
  const findings: Finding[] = []
  const found = (rule: string, pid: string, what: string): void => void findings.push({ rule, pid, what })
  const tokens = new Map(
    world.lines.flatMap((line) => (line.what === 'recorded' ? [[line.pid, line.token]] : [])),
  )
  const finished = calls.filter(({ state }) => state === 'finished')
  const inOrder = actor.pid === PASSES ? finished.toSorted((a, b) => placeOf(a) - placeOf(b)) : finished
  const rows = finished.filter((call) => call.class !== 'Ledger.take')
  const passing = inOrder.filter((call) => call.class !== 'Ledger.take')
  for (const [index, call] of passing.entries())
    if (call !== rows[index]) {
      found('calls run in their order', call.pid, `it ran before ${rows[index]?.pid}`)
      break
    }
  let n = Number((actor.inputs['args'] as readonly unknown[])[0])
  const lines: unknown[] = []
  for (const call of inOrder) {
    n = (n + addedBy(world, call)) % MOST
    lines.push(opOf(call))
    const token = call.class === 'Ledger.pay' ? (tokens.get(call.pid) ?? 'nothing') : undefined
    const notice = JSON.stringify({ place: lines.length, n, token })
    const { place, n: sum, token: given } = (call.result ?? {}) as Partial<Notice>
    const gave = JSON.stringify({ place, n: sum, token: given })
    if (gave !== notice)
      found('a call gives what the model has', call.pid, `it gave ${gave}, and the model ${notice}`)
  }
  const { memory } = actor
  if (memory === undefined ? lines.length === 0 : JSON.stringify(memory) === JSON.stringify({ n, lines }))
    return findings
  found(
    'the state of an actor is what its calls have made it',
    actor.pid,
    `it is ${JSON.stringify(memory)}, and the model has ${JSON.stringify({ n, lines })}`,
  )
  return findings
}

function placeOf({ result }: Stored): number {
  return (result as Notice | undefined)?.place ?? 0
}

function addedBy({ processes }: World, call: Stored): number {
  const by = (call.inputs['args'] as readonly unknown[])[1]
  if (typeof by === 'number') return by
  const upstream = processes.get(upstreamOf(by) ?? '')
  return upstream?.state === 'finished' ? ((upstream.result as Notice | undefined)?.n ?? NaN) : NaN
}

/** The pid in a saved reference. */
function upstreamOf(saved: unknown): string | undefined {
  return (saved as { readonly data?: { readonly pid?: string } } | undefined)?.data?.pid
}

/** While an actor is paused none of its calls does anything. */
function checkPauses(actor: Stored, calls: readonly Stored[]): Finding[] {
  const findings: Finding[] = []
  let since: Happened | undefined
  const check = (from: Happened, until: number): void => {
    for (const { pid, history } of calls)
      for (const entry of history)
        if (SERVED.has(entry.name) && entry.commit > from.commit && entry.commit < until)
          findings.push({
            rule: 'what is paused does not move',
            pid,
            what: `${text(entry)}, and its actor ${actor.pid} was paused, ${text(from)}`,
          })
  }
  for (const entry of actor.history) {
    if (entry.name === 'paused') since ??= entry
    if (entry.name !== 'played' || since === undefined) continue
    check(since, entry.commit)
    since = undefined
  }
  if (since !== undefined) check(since, Infinity)
  return findings
}

/** A call ends as its method, its inputs and what was done to its actor say. */
function checkEnd({ lines, processes }: World, call: Stored): Finding[] {
  const { pid, state, message } = call
  const actor = processes.get(call.actor ?? '')
  const ask = lines.find((line): line is Ask => line.what === 'ask' && line.op === opOf(call))
  const [, by, times] = call.inputs['args'] as readonly unknown[]
  const retries =
    (ask?.inputs as { readonly retries?: number } | undefined)?.retries ?? RETRIES[call.actor ?? ''] ?? 0
  const fails = call.class === 'Ledger.fail' && Number(times) > retries
  const upstream = upstreamOf(by)
  const isUnserved = upstream !== undefined && processes.get(upstream)?.state !== 'finished'
  if (state === 'finished' && (fails || isUnserved))
    return [{ rule: 'a call that has to fail does', pid, what: 'it finished' }]
  if (state !== 'excepted') return []
  const isOver = actor !== undefined && ENDS.includes(actor.state)
  if (isOver || (fails && message === 'a call that is to fail') || isUnserved) return []
  return [{ rule: 'only what has a reason fails', pid, what: `${message}: its actor is ${actor?.state}` }]
}

/** What is read of a ledger stays, and it has what was known to be stored before. */
function checkReads({ lines, processes }: World): Finding[] {
  const findings: Finding[] = []
  const answers = answersOf(lines)
  const told = lines.filter((line): line is Numbered & ToldLine => line.what === 'reported')
  for (const ask of lines) {
    if (ask.what !== 'ask' || ask.do !== 'read') continue
    const answer = answers.get(ask.op)
    if (answer?.ok !== true) continue
    const { pid } = ask
    const { place, last } = answer.value as { readonly place: number; readonly last?: string }
    const now = processes.get(pid)?.memory?.['lines'] as readonly unknown[] | undefined
    if (place > 0 && now?.[place - 1] !== last)
      findings.push({
        rule: 'what is read stays',
        pid,
        what: `line ${answer.index + 1}: ${last} at ${place}, where now is ${String(now?.[place - 1])}`,
      })
    for (const { index, pid: called, value } of told) {
      const before = (value as Notice | undefined)?.place ?? 0
      if (index > ask.index || before <= place || processes.get(called)?.actor !== pid) continue
      findings.push({
        rule: 'a read has what was told before',
        pid,
        what: `line ${answer.index + 1} has ${place} calls, and line ${index + 1} told of number ${before}`,
      })
    }
  }
  return findings
}

/** What a handle said that a call gave is what the store has. */
function checkTold({ lines, processes }: World): Finding[] {
  return lines.flatMap((line) => {
    if (line.what !== 'reported') return []
    const call = processes.get(line.pid)
    if (call === undefined || !isCall(call)) return []
    if (JSON.stringify(line.value) === JSON.stringify(call.result)) return []
    return [
      {
        rule: 'a handle says how it ended',
        pid: line.pid,
        what: `it gave ${JSON.stringify(line.value)}, line ${line.index + 1}, and the store has ${JSON.stringify(call.result)}`,
      },
    ]
  })
}

/** The history of an actor or a call, whose states do not follow each other as those of other processes do. */
export function checkActorHistory(process: Stored): Finding[] {
  const { pid, history } = process
  const findings: Finding[] = []
  const found = (rule: string, entry: Happened | undefined, what: string): void => {
    findings.push({ rule, pid, what: `${what}, at ${entry === undefined ? 'the end' : text(entry)}` })
  }
  let ended: Happened | undefined
  let killing = false
  let paused = false
  let seq = 0
  for (const [index, entry] of history.entries()) {
    const { name } = entry
    if (entry.n !== index + 1)
      found('the history has no gaps', entry, `it is entry ${index + 1}, and says ${entry.n}`)
    if ((name === 'created') !== (index === 0))
      found('the history begins with the creation', entry, `it is entry ${index + 1}`)
    if (ended !== undefined) found('nothing follows an end', entry, `it was ${ended.name}`)
    if (entry.seq < seq || (isCall(process) && entry.seq > seq + 1))
      found('the history has no gaps', entry, `the last transition had sequence ${seq}`)
    seq = entry.seq
    // A call that had ended before its kill was stored in the same commit is ended by its engine.
    if (killing && name === 'running' && isCall(process) && history[index + 1]?.commit !== entry.commit)
      found('nothing but its end follows a kill', entry, 'its kill was stored')
    if (name === 'kill requested') killing = true
    if (killing && (name === 'finished' || name === 'excepted'))
      found('nothing but its end follows a kill', entry, 'its kill was stored')
    if (name === 'paused') paused = true
    if (name === 'played') paused = false
    if (ENDS.includes(name)) ended = entry
  }
  if (
    ended === undefined
      ? process.ended_at !== null
      : process.ended_at === null || process.state !== ended.name
  )
    found('the row is as its history', ended, `the row says ${process.state}, ended at ${process.ended_at}`)
  if (ended === undefined && (process.paused === 1) !== paused)
    found('the row is as its history', ended, `the row has paused ${process.paused}`)
  if (process.seq < seq) found('the row is as its history', ended, `the row has sequence ${process.seq}`)
  return findings
}
