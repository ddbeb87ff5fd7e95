import { isTerminal, type ProcessDetails } from '../../index.ts'
import { facts, pretty } from './output.ts'
import { roundsIn, stepIn } from './position.ts'
import { stateText } from './state-text.ts'
import { inParentheses } from './terminal-text.ts'
import { ago } from './time.ts'
import { countText } from './tree-text.ts'
import { waitText } from './wait-text.ts'

/** Describes a process in lines: its state, what it waits for, its inputs and outputs, and how it ended. */
export function inWords(details: ProcessDetails, now: number): string {
  const time = (date: Date | null): string | null => {
    if (date === null) return null
    const text = date.toISOString()
    return date.getTime() > now
      ? `${text} (in ${ago(new Date(now), date.getTime())})`
      : `${text} (${ago(date, now)} ago)`
  }
  const { state, attempt, attempts, awaited, parent, children, origin, pauseRequested, killRequested } =
    details
  const { exitCode } = state
  const requests = [
    pauseRequested && `pause${inParentheses(pauseRequested.message)}`,
    killRequested && `kill${inParentheses(killRequested.message)}`,
  ].filter((request) => request !== null)
  return facts([
    ['pid', details.pid],
    ['class', `${details.name}, version ${details.version}`],
    ['state', stateText(state)],
    ...positionFacts(details),
    ['attempt', attempt > 1 ? `${attempt}${attempts === null ? '' : ` of ${attempts}`}` : null],
    ['waits', waitText(details, now, awaited)?.replace(/^waits /, '')],
    ['waits for', awaited.length > NAMED ? null : awaited.join('\n')],
    ['kept for it', keptText(details)],
    ['done in step', details.recorded.map(({ kind, name }) => `${kind} ${name}`).join(', ')],
    ['deadline', time(details.deadline)],
    ['status', details.status],
    ['paused', details.paused?.message],
    ['parked', details.parked],
    ['asked for', requests.join(', ')],
    ['label', details.label],
    ['key', details.key],
    ['parent', parent && `${parent}${details.abandoned ? ', which has abandoned it' : ''}`],
    ['children', Object.values(children).some((count) => count > 0) ? countText(children) : null],
    ['made from', origin && `${origin.pid}, by ${origin.kind}`],
    ['engine', details.engine],
    ['crashes', details.crashes > 0 ? String(details.crashes) : null],
    ['created', time(details.created)],
    ['updated', time(details.updated)],
    ['ended', time(details.ended)],
    ['exit code', exitCode && `${exitCode.code} ${exitCode.label}: ${exitCode.message}`],
    ['message', state.label === 'waiting' ? null : details.message],
    ...valueFacts(details),
  ])
}

/** Awaited processes that are named, at most. */
const NAMED = 10

/** The step, and where it stands in an outline. */
function positionFacts({ state, step, endedIn }: ProcessDetails): [string, string | null][] {
  if (isTerminal(state.label)) return [['ended in', endedIn]]
  if (step === null) return []
  const name = stepIn(step)
  return [
    ['step', name],
    ['position', name === step ? null : step],
    ['loop', roundsIn(step).join(', ')],
  ]
}

/** The messages that are kept and have not been used: `signal approval (2 times), resume`. */
function keptText({ kept }: ProcessDetails): string {
  const counts = new Map<string, number>()
  for (const { by, name } of kept) {
    const kind = by === 'resume' ? 'resume' : `signal ${name}`
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  return Array.from(counts, ([kind, count]) => (count === 1 ? kind : `${kind} (${count} times)`)).join(', ')
}

/** The inputs, outputs, result and error of a process. In place of one that can't be read: why. */
function valueFacts({ values, unreadable }: ProcessDetails): [string, string][] {
  return (['inputs', 'outputs', 'result', 'error'] as const).flatMap((name): [string, string][] => {
    const reason = unreadable[name]
    if (reason !== undefined) return [[name, pretty({ unreadable: reason })]]
    return values[name] === undefined ? [] : [[name, pretty(values[name])]]
  })
}

/** Returns a process for programs. Values stay in the form in which they are saved. */
export function inJson(details: ProcessDetails): object {
  const { state, killRequested, saved } = details
  return {
    pid: details.pid,
    class: details.name,
    version: details.version,
    state: state.label,
    successful: state.terminal ? state.successful : null,
    step: details.step,
    attempt: details.attempt,
    waits: details.waits,
    status: details.status,
    paused: details.paused,
    parked: details.parked,
    pauseRequested: details.pauseRequested,
    killRequested: killRequested && { ...killRequested, deadline: killRequested.deadline.getTime() },
    label: details.label,
    key: details.key,
    parent: details.parent,
    abandoned: details.abandoned,
    origin: details.origin,
    deadline: details.deadline,
    engine: details.engine,
    crashes: details.crashes,
    created: details.created,
    updated: details.updated,
    ended: details.ended,
    exitCode: state.exitCode ?? null,
    message: details.message,
    inputs: saved.inputs ?? null,
    outputs: saved.outputs ?? null,
    result: saved.result ?? null,
    error: saved.error ?? null,
    record: details.recorded.map(({ kind, name }) => `${kind}:${name}`),
  }
}
