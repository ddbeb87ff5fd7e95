import { checkActorHistory, isActor, isCall } from './actors.ts'
import { ancestors, text, type Finding, type Happened, type Stored, type World } from './world.ts'

/** Which state may follow which; each is one commit of its own. */
const FOLLOW: Readonly<Record<string, readonly string[]>> = {
  created: ['running', 'excepted', 'killed'],
  running: ['running', 'waiting', 'finished', 'excepted', 'killed'],
  waiting: ['running', 'waiting', 'finished', 'excepted', 'killed'],
}
const ENDS = ['finished', 'excepted', 'killed']

/** What a process has done: none of it while it waits and is paused. */
const OWN = new Set([
  'running',
  'waiting',
  'failed',
  'finished',
  'excepted',
  'effect',
  'received',
  'sleeping',
  'checkpoint',
])
/** What may still come of a step whose process is to be killed. */
const RECORDS = new Set(['effect', 'received', 'sleeping', 'checkpoint'])

/** With these its engine gives it back, and a step that only waited has to run again. */
const BACK = new Set(['crashed', 'released'])

/** After these another engine may hold it. */
const GIVES_BACK = new Set([...BACK, 'waiting', 'failed', 'paused', 'played', 'parked'])

/** Steps of the load that only a signal or a resume leads to. */
const LED_TO_BY_MESSAGES = new Set(['hear', 'answered'])
const MESSAGES = new Set(['signalled', 'resumed'])

/** The history: no gaps, no step that may not follow, nothing after a pause, a kill or the end that must not come. */
export function checkHistory(world: World): Finding[] {
  const findings: Finding[] = []
  let last = 0
  for (const { commit } of world.history) {
    if (commit > last + 1)
      findings.push({ rule: 'the history has no gaps', what: `after commit ${last} comes ${commit}` })
    last = Math.max(last, commit)
  }
  const plays = new Set(
    world.lines.flatMap((line) =>
      line.what === 'ask' && (line.do === 'play' || line.do === 'retry') ? [line.pid] : [],
    ),
  )
  for (const process of world.processes.values()) {
    const isPlayed = [process.pid, ...ancestors(world, process.pid)].some((pid) => plays.has(pid))
    if (isActor(process) || isCall(process)) findings.push(...checkActorHistory(process))
    else findings.push(...checkOne(process, isPlayed))
    if (process.ended_at !== null) findings.push(...leftovers(process))
  }
  for (const { name, integrity, history } of world.backups) {
    if (integrity !== 'ok') findings.push({ rule: 'a backup is whole', what: `${name}: ${integrity}` })
    for (const [index, entry] of history.entries()) {
      const now = world.history[index]
      if (now?.id === entry.id && now.pid === entry.pid && now.name === entry.name && now.seq === entry.seq)
        continue
      findings.push({
        rule: 'what a backup has stays so',
        pid: entry.pid,
        what: `${name} has entry ${entry.id}, ${entry.name}, and the store has ${JSON.stringify(now)}`,
      })
      break
    }
  }
  return findings
}

/** `isPlayed`: a play was asked for, of the process or of one above it. */
function checkOne(process: Stored, isPlayed: boolean): Finding[] {
  const { pid, history } = process
  const findings: Finding[] = []
  const found = (rule: string, entry: Happened | undefined, what: string): void => {
    findings.push({ rule, pid, what: `${what}, at ${entry === undefined ? 'the end' : text(entry)}` })
  }
  if (history[0]?.name !== 'created')
    found('the history begins with the creation', history[0], 'another entry comes first')
  // Entries of one commit have the sequence number that it leads to, so one that comes before a transition may be ahead of that.
  let seq = 0
  // One that was made from another begins where that one was.
  let state = process.origin === null ? 'created' : 'anything'
  if (state === 'anything') seq = history[0]?.seq ?? 0
  let inStep = false
  let paused = false
  let asked = false
  /** How many sequence numbers may have no entry: a pause of its own takes one, even if it was called off before. */
  let unseen = 0
  let killing = false
  let ended = false
  let owner: string | undefined
  /** The step that a wait leads to, and the messages that no wait has used. */
  let next: unknown
  let messages = 0
  let before: Happened | undefined = history[0]
  const effects = new Set<string>()
  for (const [index, entry] of history.entries()) {
    const { name } = entry
    if (entry.n !== index + 1)
      found('the history has no gaps', entry, `it is entry ${index + 1}, and says ${entry.n}`)
    if (index === 0) continue
    if (ended) found('nothing follows an end', entry, `it was ${state}`)
    if (name === 'created') found('the history begins with the creation', entry, 'it was created already')
    const to = name === 'failed' ? 'waiting' : name
    const isState = to in FOLLOW || ENDS.includes(to)
    const moves = isState && entry.seq > seq
    if (entry.seq < seq || entry.seq > seq + unseen + 1)
      found('the history has no gaps', entry, `the last transition had sequence ${seq}`)
    if (paused && OWN.has(name)) found('what is paused does not move', entry, `it was paused as ${state}`)
    if (killing && moves && name !== 'killed')
      found('nothing but its end follows a kill', entry, 'its kill was stored')
    if (owner !== undefined && OWN.has(name) && entry.by !== owner)
      found('only its engine writes', entry, `it was ${owner} that ran it`)
    owner = ownerAfter(entry, owner)
    // Who claims it after a crash says so, unless a play has taken back the count of crashes. What is paused is not claimed, but a pause
    // may meet a process whose wait is over, and which an engine has claimed and not yet led on.
    const isWoken = state === 'waiting' && (messages > 0 || !LED_TO_BY_MESSAGES.has(String(next)))
    const isRun = paused ? inStep || isWoken : isPlayed || before?.name !== 'crashed'
    if (name === 'kill requested' && !isRun)
      found('what nobody runs is killed at once', entry, `before came ${before?.name}`)
    before = entry
    if (moves) {
      if (state !== 'anything' && !(FOLLOW[state] ?? []).includes(to))
        found('only what may follow follows', entry, `it was ${state}`)
      if (asked && name === 'running' && (state === 'waiting' || !isPausedWith(entry, history[index + 1])))
        found('no step begins after a pause', entry, `its pause was stored, and it was ${state}`)
      if (state === 'waiting') messages = Math.max(0, messages - 1)
      if (to === 'waiting') next = entry.data['step']
      state = to
      inStep = false
      effects.clear()
      unseen -= Math.max(0, entry.seq - seq - 1)
      seq = entry.seq
    } else if (name === 'waiting' || name === 'running') {
      if (state !== 'running' && state !== 'anything')
        found('only what may follow follows', entry, `it was ${state}, and its step waits`)
      inStep = name === 'waiting'
    } else if (isState) {
      found('only what may follow follows', entry, `it was ${state} with this sequence already`)
    } else if (name === 'paused' && !endsWith(entry, history[index + 1])) {
      // It may be a commit of its own.
      seq = Math.max(seq, entry.seq)
    }
    if (RECORDS.has(name) || BACK.has(name)) inStep = false
    if (name === 'effect') {
      const effect = String(entry.data['name'])
      if (effects.has(effect))
        found('an effect is recorded once', entry, `${effect} was recorded in this step`)
      effects.add(effect)
    }
    if (name === 'paused') [paused, asked] = [true, false]
    if (MESSAGES.has(name)) messages++
    if (name === 'pause requested') asked = true
    if (name === 'played' && asked) unseen++
    if (name === 'played') [paused, asked] = [false, false]
    if (name === 'kill requested') killing = true
    if (ENDS.includes(name)) ended = true
  }
  const last = history.at(-1)
  const shown = inStep && !ended ? 'waiting' : state
  if (shown !== 'anything' && process.state !== shown)
    found('the row is as its history', last, `the row says ${process.state}`)
  if (process.seq < seq || process.seq > seq + unseen)
    found('the row is as its history', last, `the row has sequence ${process.seq}`)
  if (ended !== (process.ended_at !== null))
    found('the row is as its history', last, `the row ended at ${process.ended_at}`)
  if ((process.paused === 1) !== paused && !ended)
    found('the row is as its history', last, `the row has paused ${process.paused}`)
  return findings
}

/** The engine that holds it after an entry; undefined where that is not known, as it may be claimed without any entry. */
function ownerAfter({ name, by }: Happened, owner: string | undefined): string | undefined {
  if (name === 'recovered') return by ?? undefined
  if (GIVES_BACK.has(name)) return undefined
  return OWN.has(name) ? (by ?? undefined) : owner
}

/** Whether it is paused in the very commit that led into a step, which does not begin then. */
function isPausedWith(entry: Happened, next: Happened | undefined): boolean {
  return next?.name === 'paused' && next.commit === entry.commit && next.seq === entry.seq
}

/** Whether the commit that paused it also ended it: a kill takes it back from a dead engine, and carries out its pause first. */
function endsWith(entry: Happened, next: Happened | undefined): boolean {
  return next !== undefined && next.commit === entry.commit && ENDS.includes(next.name)
}

/** Nothing is kept for what has ended. */
function leftovers({ pid, owner, kept, awaited, parts, state, successful, calls }: Stored): Finding[] {
  const rule = 'nothing is kept for what has ended'
  const findings: Finding[] = []
  if (owner !== null) findings.push({ rule, pid, what: `${owner} owns it` })
  if (kept > 0) findings.push({ rule, pid, what: `${kept} signals or resumes` })
  if (awaited > 0) findings.push({ rule, pid, what: `it awaits ${awaited} processes` })
  if (calls !== null && calls > 0) findings.push({ rule, pid, what: `${calls} calls` })
  // A stopped actor keeps its fields.
  const records = parts.filter((name) => name.startsWith('record:') || (name === 'memory' && calls === null))
  if (state === 'finished' && successful === 1 && records.length > 0)
    findings.push({ rule, pid, what: records.join(', ') })
  return findings
}
