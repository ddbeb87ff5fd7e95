import { fileURLToPath } from 'node:url'
import { isTerminal, type ProcessDetails, type ProcessSummary, type Successor } from '../../index.ts'
import { type Fact, facts } from './output.ts'
import { roundsIn, stepIn } from './position.ts'
import { progressText } from './progress-text.ts'
import { PLAIN, type Screen } from './screen.ts'
import { processStateText, stateText } from './state-text.ts'
import { inParentheses } from '../../shared/terminal-text.ts'
import { ago } from './time.ts'
import { countText } from './tree-text.ts'
import { waitText } from './wait-text.ts'

/**
 * Describes a process in escaped lines: its state, what it waits for, its values, and how it ended.
 * `superseding` is the process that supersedes it, if it has no successor.
 */
export function inWords(
  details: ProcessDetails,
  now: number,
  screen: Screen = PLAIN,
  superseding?: ProcessSummary,
): string {
  const time = (date: Date | null): string | null => {
    if (date === null) return null
    const text = date.toISOString()
    return date.getTime() > now
      ? `${text} (in ${ago(new Date(now), date.getTime())})`
      : `${text} (${ago(date, now)} ago)`
  }
  const {
    state,
    attempt,
    attempts,
    awaited,
    parent,
    children,
    successors,
    origin,
    pauseRequested,
    killRequested,
  } = details
  const { exitCode } = state
  const requests = [
    pauseRequested && `pause${inParentheses(pauseRequested.message)}`,
    killRequested && `kill${inParentheses(killRequested.message)}`,
  ].filter((request) => request !== null)
  const waits = waitText(details, now, awaited)?.replace(/^waits /, '')
  const [first] = awaited
  const isNamed = awaited.length === 1 && (first === details.pid || waits?.includes(first as string) === true)
  return facts(
    [
      ['pid', details.pid],
      ['class', `${details.name}, version ${details.version}`],
      ['state', processStateText(details)],
      ...positionFacts(details),
      ['attempt', attempt > 1 ? `${attempt}${attempts === null ? '' : ` of ${attempts}`}` : null],
      ['waits', waits],
      ['waits for', awaited.length > NAMED || isNamed ? null : awaited.join('\n')],
      [
        'due',
        waits === undefined && state.reason !== 'queued' && details.paused === null
          ? time(details.due)
          : null,
      ],
      ['kept for it', keptText(details)],
      ['done in step', details.recorded.map(({ kind, name }) => `${kind} ${name}`).join(', ')],
      ['deadline', time(details.deadline)],
      ['status', details.status],
      ['progress', details.progress && progressText(details.progress)],
      ['paused', details.paused?.message],
      ['parked', details.parked],
      ['asked for', requests.join(', ')],
      ['label', details.label],
      ['runs in', details.worker && `engines with the label ${details.worker}`],
      ['key', details.key],
      ['parent', parent && `${parent}${details.abandoned ? ', which has abandoned it' : ''}`],
      ['children', Object.values(children).some((count) => count > 0) ? childrenText(details) : null],
      ['superseded by', supersededText(successors, superseding)],
      ['made from', origin && `${origin.pid}, by ${origin.kind}`],
      ['engine', details.engine],
      ['crashes', details.crashes > 0 ? String(details.crashes) : null],
      ['created', time(details.created)],
      [state.label === 'waiting' ? 'waits since' : 'updated', time(details.updated)],
      ['ended', time(details.ended)],
      ['exit code', exitCode && `${exitCode.code} ${exitCode.label}: ${exitCode.message}`],
      ['message', state.label === 'waiting' || isShownByError(details) ? null : details.message],
      ['dropped', details.dropped && `${time(new Date(details.dropped.at))}: ${details.dropped.why}`],
      ...valueFacts(details),
    ],
    screen,
  )
}

/** `2 children: 2 running; 1 of them is paused`. */
function childrenText({ children, pausedChildren: paused }: ProcessDetails): string {
  const text = countText(children)
  return paused === 0 ? text : `${text}; ${paused} of them ${paused === 1 ? 'is' : 'are'} paused`
}

function supersededText(successors: readonly Successor[], superseding: ProcessSummary | undefined): string {
  if (superseding !== undefined) return `${superseding.pid} (${stateText(superseding.state)})`
  return successors.map(successorText).join('\n')
}

/** `01b2…, by restart (running)`. */
function successorText({ pid, kind, state }: Successor): string {
  return `${pid}, by ${kind} (${stateText(state)})`
}

/** Whether the error of a process, which is shown, has its message. */
function isShownByError({ values: { error }, message }: ProcessDetails): boolean {
  return error instanceof Error && message !== null && error.message === message
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

/** The values of a process by their displayed names. */
const VALUES = {
  inputs: 'inputs',
  ctx: 'ctx',
  args: 'arguments',
  data: 'wait data',
  outputs: 'outputs',
  result: 'result',
  error: 'error',
} as const

/** The values of a process. A value that can't be read is replaced by the reason. */
function valueFacts({ values, unreadable }: ProcessDetails): Fact[] {
  return Object.entries(VALUES).flatMap(([key, name]): Fact[] => {
    const value = key as keyof typeof VALUES
    const reason = unreadable[value]
    if (reason !== undefined) return [[name, `can't be read: ${reason}`]]
    if (values[value] === undefined) return []
    return [[name, { shown: key === 'error' ? withoutOwnLines(values[value]) : values[value] }]]
  })
}

/** The lines of a stack that are in Damson itself: in a package, or in the copy that runs this command. */
const OWN_LINES = [
  `/node_modules/damson/`,
  new URL('../../', import.meta.url).href,
  fileURLToPath(new URL('../../', import.meta.url)),
]

/** Leaves the lines of Damson's own code out of the stack of an error and of its causes, since they explain nothing. */
function withoutOwnLines(error: unknown): unknown {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    const lines = (typeof at.stack === 'string' ? at.stack : '').split('\n')
    const own = lines.filter((line) => /^ +at /.test(line) && OWN_LINES.some((path) => line.includes(path)))
    if (own.length > 0) at.stack = lines.filter((line) => !own.includes(line)).join('\n')
  }
  return error
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
    progress: details.progress,
    paused: details.paused,
    parked: details.parked,
    pauseRequested: details.pauseRequested,
    killRequested: killRequested && { ...killRequested, deadline: killRequested.deadline.getTime() },
    label: details.label,
    worker: details.worker,
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
    dropped: details.dropped,
    inputs: saved.inputs ?? null,
    ctx: saved.ctx ?? null,
    args: saved.args ?? null,
    data: saved.data ?? null,
    outputs: saved.outputs ?? null,
    result: saved.result ?? null,
    error: saved.error ?? null,
    record: details.recorded.map(({ kind, name }) => `${kind}:${name}`),
  }
}
