/* This file is longer than 400 lines, because it has the words for everything that may keep a process from moving. */
import { SUSPECT_AFTER } from '../../persistence/rules/transitions.ts'
import { LARGEST_PENDING, type Control, type Pending } from '../../persistence/contract/control.ts'
import { eventData } from '../../persistence/contract/event-codec.ts'
import type { PauseCause, ProcessRow } from '../../persistence/contract/rows.ts'
import { savedReferences } from '../../process/references/saved-references.ts'
import { isTerminal, UNFINISHED_STATES } from '../../process/state/machine.ts'
import { isBackingOff } from '../../process/state/process-state.ts'
import { isWaitsForText, waitsForItself } from '../../process/step/wait-conditions.ts'
import type { Clock } from '../../shared/clock.ts'
import { ProcessLost } from '../../shared/errors.ts'
import { findLastEntry } from './history.ts'
import type { RowReader } from './row-reader.ts'
import { successorsOf, supersedingRow } from './successors.ts'
import { runBy, START, whoCouldRun } from './who-runs.ts'
import { inParentheses, formatTime, span } from './wording.ts'

/** The most awaited processes that are named one by one. */
const NAMED = 4
/** The most processes whose own reasons an explanation includes. */
const PASSED_ON = 12

/**
 * Explains in plain words why a process does not continue: which engine runs it, what it waits for,
 * and which requests are pending.
 *
 * @throws ProcessLost if the store has no such process
 */
export async function explain(rows: RowReader, store: Control, clock: Clock, pid: string): Promise<string> {
  const row = await rows.read(pid)
  if (row === undefined) {
    throw new ProcessLost(
      pid,
      `there is no process ${pid} in this store; check the pid and the path of the store`,
    )
  }
  const lines = await new Explanation(row, store, clock.now()).lines()
  return lines.join('\n')
}

class Explanation {
  readonly #row: ProcessRow
  readonly #store: Control
  readonly #now: number
  /** The chain of explained processes that wait for this one, the first process first. */
  readonly #path: readonly string[]
  /** All processes that are explained. */
  readonly #explained: Set<string>

  constructor(
    row: ProcessRow,
    store: Control,
    now: number,
    path: readonly string[] = [],
    explained = new Set<string>(),
  ) {
    this.#row = row
    this.#store = store
    this.#now = now
    this.#path = [...path, row.pid]
    this.#explained = explained.add(row.pid)
  }

  async lines(): Promise<string[]> {
    const row = this.#row
    const origin = originOf(row)
    if (isTerminal(row.state))
      return [this.#headline(), ...endingOf(row), ...(await this.#afterEnd()), ...origin]
    const pending = await this.#store.pending(row.pid)
    return [
      this.#headline(),
      ...this.#asked(),
      ...(await this.#standing(pending)),
      ...kept(row, pending),
      ...this.#deadline(),
      ...origin,
    ]
  }

  /** Why a process that is waited for does not end; empty once it has ended. */
  async reasons(): Promise<readonly string[]> {
    if (isTerminal(this.#row.state)) return []
    return [...this.#asked(), ...(await this.#standing(await this.#store.pending(this.#row.pid)))]
  }

  #headline(): string {
    const { className, pid, state, step, updatedAt, paused } = this.#row
    const where = step === null ? '' : ` in step ${step}`
    const elapsed = span(this.#now - updatedAt)
    return isTerminal(state)
      ? `${className} ${pid} ended as ${state} ${elapsed} ago`
      : `${className} ${pid} has been ${paused === null ? state : 'paused'}${where} for ${elapsed}`
  }

  /** For an ended process, its successors; for a failed one without successors, how to repair it. */
  async #afterEnd(): Promise<string[]> {
    const { pid, successful, state, className, reason } = this.#row
    const [newest, ...others] = await successorsOf(this.#store, this.#row, this.#now)
    if (newest !== undefined) {
      const how = newest.kind === 'restart' ? 'restarted' : 'resubmitted'
      const before = others.length === 0 ? '' : `, and before as ${others.map((one) => one.pid).join(', ')}`
      return [`it was ${how} as ${className} ${newest.pid}, which is ${newest.state.label}${before}`]
    }
    const superseding = await supersedingRow(this.#store, this.#row)
    if (superseding !== undefined)
      return [
        `it is superseded by ${superseding.className} ${superseding.pid}, which is ${superseding.state}`,
      ]
    if (successful === true || state === 'killed') return []
    const sources = reason === 'upstream' ? await this.#failedSources() : []
    if (sources.length > 0) return sources
    return [
      `repair the cause; then \`damson retry ${pid}\` continues it as a new process from the step that failed, and \`damson resubmit ${pid}\` runs it again from its inputs, which --set changes`,
    ]
  }

  /** The inputs whose sources failed, and how the process gets them from other ones; at most a few. */
  async #failedSources(): Promise<string[]> {
    const { pid } = this.#row
    const said: string[] = []
    const sets: string[] = []
    const stored = await this.#store.load(pid)
    for (const { pid: source, path, output } of savedReferences(stored?.bundle().parts['inputs'] ?? '{}')) {
      const row = await this.#store.read(source)
      if (row?.successful !== false || sets.length === NAMED) continue
      const [newest] = await successorsOf(this.#store, row, this.#now)
      const next =
        newest === undefined
          ? `: \`damson explain ${source}\` explains how to repair it`
          : `, and is superseded by ${newest.pid}, which is ${newest.state.label}`
      said.push(`${row.className} ${source} is ${row.state}${next}`)
      const reference = { $process: newest?.pid ?? 'NEW PID', output }
      sets.push(` --set '${path}=${JSON.stringify(reference)}'`)
    }
    if (sets.length === 0) return []
    return [
      ...said,
      `a retry would fail again, since it uses the same values. \`damson resubmit ${pid}${sets.join('')}\` runs it with those of another process`,
    ]
  }

  /** The stored kill and the stored pause that have not taken effect yet. */
  #asked(): string[] {
    const { killRequested, pauseRequested } = this.#row
    const said: string[] = []
    if (killRequested !== null) {
      const left = killRequested.deadline - this.#now
      said.push(
        `a kill was requested${inParentheses(killRequested.message)}: ` +
          (left > 0
            ? `the step has ${span(left)} left to end`
            : 'the step has had its time; the next engine or client that reads the process ends it'),
      )
    }
    if (pauseRequested !== null) {
      said.push(
        `a pause was requested${inParentheses(pauseRequested.message)}: it takes effect when the step ends or waits`,
      )
    }
    return said
  }

  /** Why the process does not continue, or what it is doing. */
  async #standing(pending: Pending): Promise<string[]> {
    const row = this.#row
    if (row.parked !== null)
      return [
        `it is parked: ${row.parked.replace(/\.$/, '')}. Its saved data has not changed. Fix the class, then \`damson play ${row.pid}\`; \`damson kill ${row.pid}\` ends it`,
      ]
    if (row.actor !== null) return this.#call(row.actor, pending)
    if (row.mailbox !== null && row.state === 'waiting') return this.#actor(row.mailbox)
    const needs = row.upstream !== null && row.owner === null && pending.on.length > 0
    const waits = needs
      ? await this.#needs(pending)
      : row.state === 'waiting'
        ? await this.#waits(pending)
        : []
    if (row.paused !== null) {
      return [
        `it is paused${inParentheses(row.paused.message)}; ${pausedAdvice(row.pid, row.paused.cause)}`,
        ...waits.map(afterPlay),
      ]
    }
    if (row.owner !== null)
      return [...(await runBy(row, row.owner, this.#store, this.#now)), ...this.#attempt(), ...waits]
    const said: string[] = []
    if (row.crashes > 0) {
      const times = row.crashes === 1 ? 'once' : `${row.crashes} times`
      said.push(
        `its engine crashed ${times} before the process made progress` +
          (row.crashes >= SUSPECT_AFTER
            ? '; it is a suspect: it may be the cause, so it runs alone next time. If that engine crashes too, the process is paused'
            : ''),
      )
    }
    said.push(...waits)
    if (row.readyAt !== null && row.readyAt <= this.#now)
      said.push(...(await whoCouldRun(this.#row, this.#store, this.#now)))
    else if (row.state === 'created' && row.readyAt !== null && !needs)
      said.push(`its launch was delayed; it starts at ${formatTime(row.readyAt, this.#now)}`)
    const isReady = row.readyAt !== null && row.readyAt <= this.#now
    if (!isReady && this.#path.length === 1 && !(await this.#store.engines()).some(({ alive }) => alive))
      said.push(`no engine runs on this store, so it does not continue after that: ${START}`)
    return said
  }

  /** Why the call of an actor does not run. */
  async #call(actorId: string, pending: Pending): Promise<string[]> {
    const row = this.#row
    const { ahead = 0 } = pending
    const actor = await this.#store.read(actorId)
    const waits = isBackingOff(row) ? [await this.#backOff()] : []
    if (row.upstream !== null && pending.on.length > 0) waits.push(...(await this.#needs(pending)))
    if (actor === undefined) return [...waits, `its actor ${actorId} is not in this store any more`]
    const named = `${actor.className} ${actorId}`
    if (row.owner !== null)
      return [
        `its actor ${named} runs it`,
        ...(await runBy(row, row.owner, this.#store, this.#now)),
        ...this.#attempt(),
      ]
    const said = [
      ...waits,
      ahead === 0 ? `it is the next call of ${named}` : `it is number ${ahead + 1} of the calls of ${named}`,
    ]
    const [first] = ahead === 0 ? [] : await this.#store.mailbox(actorId, 1)
    if (first !== undefined) {
      const runs = actor.owner === null || first.upstream !== null ? 'is' : 'runs'
      said.push(`the first of them ${runs}: ${first.className} ${first.pid}`)
      const explanation = new Explanation(first, this.#store, this.#now, this.#path, this.#explained)
      if (isBackingOff(first)) said.push(`  ${await explanation.#backOff()}`)
      if (first.upstream !== null)
        said.push(...(await explanation.reasons()).slice(0, -1).map((line) => `  ${line}`))
    }
    const reasons = await new Explanation(
      actor,
      this.#store,
      this.#now,
      this.#path,
      this.#explained,
    ).reasons()
    return [...said, ...reasons.map((line) => `its actor: ${line}`)]
  }

  /** What an actor does, or why it runs no call. */
  async #actor({ calls, stopping }: NonNullable<ProcessRow['mailbox']>): Promise<string[]> {
    const row = this.#row
    const many = calls === 1 ? 'one call that has' : `${calls} calls that have`
    const said = [calls === 0 ? 'it waits to be called' : `it has ${many} not ended`]
    if (stopping) said.push('it was stopped: it accepts no more calls, and ends after the queued ones')
    if (row.paused !== null)
      return [
        ...said,
        `it is paused${inParentheses(row.paused.message)}; it runs calls again when it is played`,
      ]
    if (row.owner !== null) return [...said, ...(await runBy(row, row.owner, this.#store, this.#now))]
    if (row.readyAt !== null) return [...said, ...(await whoCouldRun(this.#row, this.#store, this.#now))]
    const [first] = calls === 0 || this.#path.length > 1 ? [] : await this.#store.mailbox(row.pid, 1)
    if (first !== undefined) said.push(`${first.className} ${first.pid} waits for its inputs`)
    return said
  }

  #attempt(): string[] {
    const { attempt } = this.#row
    return attempt > 1 ? [`its step has failed before; this is attempt ${attempt}`] : []
  }

  /** What the process waits for, one line each. */
  async #waits(pending: Pending): Promise<string[]> {
    const row = this.#row
    const { wait } = row
    if (isBackingOff(row)) return [await this.#backOff()]
    if (wait === null) return []
    if (row.owner === null && row.paused === null && row.readyAt !== null && row.readyAt <= this.#now)
      return [`its wait is over${isWaitsForText(row.message) ? '' : inParentheses(row.message)}`]
    const { resume, signal, until, on } = wait
    const [awaited, ...others] = pending.on
    if (on !== null && awaited === row.pid && others.length === 0 && signal === null && until === null)
      return [FOR_ITSELF]
    const ends: string[] = []
    if (on !== null) ends.push(on === 'any' ? 'for the first of these to end' : 'for these to end')
    if (signal !== null) ends.push(`for the signal ${signal}`)
    if (until !== null) ends.push(`until ${formatTime(until, this.#now)}`)
    if (ends.length === 0 && resume) ends.push('to be resumed')
    const within = row.inStep ? ', within its step' : ''
    // The message of a waiting step repeats what it waits for. Only a sleep adds something: its name.
    const repeats = row.inStep ? signal !== null || on !== null : isWaitsForText(row.message)
    const why = repeats ? '' : inParentheses(row.message ?? row.status)
    return [
      `it waits ${ends.join(', or ')}${why}${within}`,
      // What a step in memory waits for is not stored, but its message names the process itself.
      ...(row.owner !== null && waitsForItself(row.message) ? [FOR_ITSELF] : []),
      ...(on === null ? [] : await this.#awaited(row.owner === null ? pending.on : await this.#launched())),
    ]
  }

  /** The processes that it needs before it starts, with the inputs that take their values. */
  async #needs({ on }: Pending): Promise<string[]> {
    const { pid, upstream } = this.#row
    const stored = await this.#store.load(pid)
    const paths = new Map<string, string[]>()
    for (const reference of savedReferences(stored?.bundle().parts['inputs'] ?? '{}'))
      paths.set(reference.pid, [...(paths.get(reference.pid) ?? []), reference.path])
    const until = upstream?.until ?? null
    return [
      'it has not started: it waits for its inputs and for what it was launched after',
      ...(await this.#awaited(on, (needed) => paths.get(needed)?.join(' and ') ?? 'it')),
      ...(until === null ? [] : [`it is excepted unless they have ended by ${formatTime(until, this.#now)}`]),
    ]
  }

  /**
   * The unfinished children. Which of them a step in memory waits for is known only to the engine
   * that runs it.
   */
  async #launched(): Promise<readonly string[]> {
    const { rows } = await this.#store.list({
      parent: this.#row.pid,
      state: UNFINISHED_STATES,
      limit: LARGEST_PENDING,
    })
    return rows.map(({ pid }) => pid).toReversed()
  }

  /** `who`: what waits for a process, an input or the process itself. */
  async #awaited(pids: readonly string[], who: (pid: string) => string = () => 'it'): Promise<string[]> {
    const said: string[] = []
    for (const pid of pids.slice(0, NAMED)) {
      if (pid === this.#row.pid) {
        said.push(FOR_ITSELF)
        continue
      }
      const row = await this.#store.read(pid)
      if (row === undefined) continue
      const paused =
        row.paused === null ? '' : `, which is paused${inParentheses(row.paused.message)}: play it`
      const parked = row.parked === null ? '' : `, which is parked (${row.parked})`
      const state = paused + parked === '' ? `, which is ${row.state}` : paused + parked
      const isCircle = this.#path.includes(pid)
      said.push(
        `${who(pid)} waits for ${row.className} ${pid}${isCircle ? ', which waits for this process in turn: neither ends unless one is killed' : state}`,
      )
      if (paused + parked !== '' || this.#explained.has(pid) || this.#explained.size >= PASSED_ON) continue
      const explanation = new Explanation(row, this.#store, this.#now, this.#path, this.#explained)
      said.push(...(await explanation.reasons()).map((line) => `  ${line}`))
    }
    if (pids.length > NAMED) {
      const more = pids.length - NAMED
      said.push(`and for ${pids.length < LARGEST_PENDING ? more : `${more} or more`} others`)
    }
    return said
  }

  async #backOff(): Promise<string> {
    const { pid, readyAt, wait, message, step } = this.#row
    // A call is never ready by itself: the engine that holds its actor waits for the time.
    const at = readyAt ?? wait?.until ?? null
    const failed = await findLastEntry(this.#store, pid, ({ name }) => name === 'failed')
    const next = at === null ? '' : `, next try ${formatTime(at, this.#now)}`
    if (failed === undefined) return `${step} failed${inParentheses(message)}${next}`
    const data = eventData(failed, 'failed')
    return `${data.step} failed ${data.attempt} of ${data.attempts}${inParentheses(data.message)}${next}`
  }

  #deadline(): string[] {
    const { deadline } = this.#row
    if (deadline === null) return []
    const time = formatTime(deadline, this.#now)
    return [
      deadline <= this.#now
        ? `its deadline ${time} has passed; the next engine that runs it excepts it`
        : `its deadline is ${time}; after that it is excepted`,
    ]
  }
}

const FOR_ITSELF = 'it waits for itself, so it will never end; kill it'

/** How to let a paused process continue. */
function pausedAdvice(pid: string, cause: PauseCause): string {
  if (cause === 'request') return `it continues when it is played: \`damson play ${pid}\``
  return `repair the cause, then \`damson play ${pid}\`. To change one of its values first, use \`damson edit\``
}

function afterPlay(line: string): string {
  return line.replace(/^(it|inputs\S*) waits/, '$1 then waits')
}

/** The messages that are kept and not yet consumed. */
function kept(row: ProcessRow, { mail }: Pending): string[] {
  const said: string[] = []
  if (mail.some(({ by }) => by === 'resume')) {
    const isAwaited = row.state === 'waiting' && row.wait?.resume === true && !isBackingOff(row)
    said.push(isAwaited ? 'the resume that it waits for is stored' : 'a resume is stored for its next wait')
  }
  const counts = new Map<string, number>()
  for (const { by, name } of mail)
    if (by === 'signal' && name !== null) counts.set(name, (counts.get(name) ?? 0) + 1)
  for (const [name, count] of counts) {
    const counted = mail.length < LARGEST_PENDING ? count : `${count} or more`
    const many =
      count === 1 && mail.length < LARGEST_PENDING ? `a signal ${name} is` : `${counted} signals ${name} are`
    said.push(
      `${many} stored for it${row.wait?.signal === name ? '' : ` (it does not wait for ${name} now)`}`,
    )
  }
  return said
}

function originOf({ origin }: ProcessRow): string[] {
  if (origin === null) return []
  return [`it was ${origin.kind === 'restart' ? 'restarted' : 'resubmitted'} from ${origin.pid}`]
}

function endingOf(row: ProcessRow): string[] {
  const said: string[] = []
  if (row.exitCode !== null)
    said.push(`exit code ${row.exitCode.code} ${row.exitCode.label}: ${row.exitCode.message}`)
  else if (row.state === 'finished' && row.successful === false) said.push('it finished without success')
  if (row.message !== null) said.push(row.message)
  return said
}
