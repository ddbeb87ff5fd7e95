import { cut, oneLine } from '../../shared/terminal-text.ts'
import { isLost } from '../host/lost-outcome.ts'
import type { StateInfo } from '../host/process-handle.ts'
import type { Progress } from '../state/report.ts'
import { ProcessState } from '../state/process-state.ts'

/** A process as a frame shows it. */
export interface Shown {
  /** Its label or class, and the end of its pid. */
  readonly title: string
  readonly state: StateInfo
}

/** The room of a terminal. */
export interface Room {
  readonly columns: number
  readonly rows: number
}

/** The widest title, and the widest and the narrowest bar, in columns. */
const WIDEST_TITLE = 30
const WIDEST_BAR = 20
const NARROWEST_BAR = 5
/** The most processes that have a line of their own. */
const MOST_LINES = 20
/** The word for a process that is not in the store. */
const LOST = 'lost'

/**
 * The lines that show the progress of processes: one for each process, running ones first, as far
 * as there is room, and one for all of them below. No line is wider than the terminal.
 */
export function frame(members: readonly Shown[], elapsed: number, { columns, rows }: Room): string {
  const room = Math.max(1, Math.min(MOST_LINES, rows - 4))
  const shown = members.length <= room ? members : busiest(members, room)
  const titles = Math.min(
    WIDEST_TITLE,
    Math.floor(columns / 3),
    Math.max(...shown.map(({ title }) => title.length)),
  )
  const states = Math.max(...shown.map(({ state }) => stateWord(state).length))
  const bar = Math.max(NARROWEST_BAR, Math.min(WIDEST_BAR, columns - titles - states - 40))
  const lines = shown.map(({ title, state }) =>
    [
      cut(title, titles).padEnd(titles),
      stateWord(state).padEnd(states),
      ...progressParts(state, bar),
      oneLine(state.progress?.message ?? (state.progress === undefined ? (state.message ?? '') : '')),
    ]
      .join('  ')
      .trimEnd(),
  )
  const hidden = members.length - shown.length
  if (hidden > 0) lines.push(`… and ${number(hidden)} more`)
  if (members.length > 1) lines.push(totalLine(members, elapsed, columns))
  return lines.map((line) => cut(line, columns - 1)).join('\n')
}

/** One line without a bar, for outputs other than a terminal. */
export function plainLine(members: readonly Shown[]): string {
  const [only] = members
  if (members.length !== 1 || only === undefined) {
    const { ended, all, counts } = countsOf(members)
    return `${number(ended)} of ${number(all)} ended${percent(ended, all)}: ${counts}`
  }
  const { title, state } = only
  const { progress } = state
  const parts = [`${title}: ${stateWord(state)}`]
  if (progress !== undefined) parts.push(doneText(progress) + percent(progress.done, progress.total ?? 0))
  const message = progress?.message ?? state.message
  if (message !== undefined) parts.push(message)
  return oneLine(parts.join(', '))
}

function totalLine(members: readonly Shown[], elapsed: number, columns: number): string {
  const { ended, all, counts } = countsOf(members)
  const seconds = Math.floor(elapsed / 1000)
  const time =
    seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
  const head = `${number(ended)} of ${number(all)} ended`
  const tail = `${counts}  ${time}`
  const bar = Math.max(NARROWEST_BAR, Math.min(WIDEST_BAR, columns - head.length - tail.length - 5))
  return [head, barOf(ended / all, bar), tail].join('  ')
}

function countsOf(members: readonly Shown[]): {
  readonly ended: number
  readonly all: number
  readonly counts: string
} {
  const byState = new Map<string, number>()
  for (const { state } of members) {
    const label = isLost(state) ? LOST : state.label
    byState.set(label, (byState.get(label) ?? 0) + 1)
  }
  const counts = [...Object.values(ProcessState), LOST].flatMap((label) => {
    const count = byState.get(label) ?? 0
    return count === 0 ? [] : [`${number(count)} ${label}`]
  })
  const ended = members.filter(({ state }) => hasEnded(state)).length
  return { ended, all: members.length, counts: counts.join(', ') }
}

/** The most informative processes: those that report progress, then those that run. Their order is kept. */
function busiest(members: readonly Shown[], count: number): readonly Shown[] {
  const rank = ({ state }: Shown): number =>
    hasEnded(state) ? 3 : state.label !== 'running' ? 2 : state.progress === undefined ? 1 : 0
  const ranked = members.map((member, index) => ({ member, index, rank: rank(member) }))
  return ranked
    .toSorted((a, b) => a.rank - b.rank || a.index - b.index)
    .slice(0, count)
    .toSorted((a, b) => a.index - b.index)
    .map(({ member }) => member)
}

function stateWord(state: StateInfo): string {
  if (isLost(state)) return LOST
  const { label, paused, terminal } = state
  return paused && !terminal ? 'paused' : label
}

/** A process that is not in the store will not change. */
function hasEnded(state: StateInfo): boolean {
  return state.terminal || isLost(state)
}

function progressParts({ progress, terminal, successful }: StateInfo, bar: number): string[] {
  if (progress?.total === undefined) {
    const isWhole = terminal && successful
    return [isWhole ? barOf(1, bar) : ' '.repeat(bar), progress === undefined ? '' : number(progress.done)]
  }
  const share = progress.total === 0 ? 1 : progress.done / progress.total
  return [barOf(share, bar), doneText(progress)]
}

function doneText({ done, total }: Progress): string {
  return total === undefined ? number(done) : `${number(done)} of ${number(total)}`
}

function barOf(share: number, width: number): string {
  const full = Math.floor(Math.min(1, Math.max(0, share)) * width)
  return '█'.repeat(full) + '░'.repeat(width - full)
}

function percent(done: number, total: number): string {
  return total === 0 ? '' : ` (${Math.floor(Math.min(1, done / total) * 100)} %)`
}

function number(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 3 })
}
