import stringWidth from 'string-width'
import { cut, oneLine } from '../../shared/terminal-text.ts'
import { isLost } from '../host/lost-outcome.ts'
import type { StateInfo } from '../host/process-handle.ts'
import type { Progress } from '../state/report.ts'
import { ProcessState } from '../state/process-state.ts'

/** A process as a frame shows it. */
export interface Shown {
  /** Its label or class; empty if it is not in the store. */
  readonly title: string
  /** The end of its pid. */
  readonly ending: string
  readonly state: StateInfo
}

/** The room of a terminal. */
export interface Room {
  readonly columns: number
  readonly rows: number
}

/** The narrowest part of a title that is shown beside the end of the pid. */
const NARROWEST_TITLE = 4
/** The widest title, and the widest and the narrowest bar, in columns. */
const WIDEST_TITLE = 30
const WIDEST_BAR = 20
const NARROWEST_BAR = 5
/** The most processes that have a line of their own. */
const MOST_LINES = 20
/** The words for a process that finished without success, and for one that is not in the store. */
const FAILED = 'failed'
const LOST = 'lost'

/**
 * The lines that show the progress of processes: one for each process, running ones first, as far
 * as there is room, and one for all of them below. No line is wider than the terminal.
 */
export function frame(members: readonly Shown[], elapsed: number, { columns, rows }: Room): string {
  const room = Math.max(1, Math.min(MOST_LINES, rows - 4))
  const shown = members.length <= room ? members : busiest(members, room)
  const names = shown.map((member) => cutName(member, Math.min(WIDEST_TITLE, Math.floor(columns / 3))))
  const states = shown.map(({ state }) => stateWord(state))
  const left = columns - widest(names) - widest(states) - 40
  const bar = Math.max(NARROWEST_BAR, Math.min(WIDEST_BAR, left))
  const cells = shown.map(({ state }, index) => [
    names[index] ?? '',
    states[index] ?? '',
    barText(state, bar),
    state.progress === undefined ? '' : doneText(state.progress),
    cut(messageOf(state), columns),
  ])
  const lines = inColumns(cells)
  const hidden = members.length - shown.length
  if (hidden > 0) lines.push(`… and ${number(hidden)} more`)
  if (members.length > 1) lines.push(totalLine(members, elapsed, columns))
  return lines.map((line) => cut(line, columns - 1)).join('\n')
}

/** Rows of texts in one line, with aligned cells. A column whose cells are all empty is left out. */
function inColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => widest(rows.map((row) => row[column] ?? '')))
  const pad = (cell: string, width: number): string => cell + ' '.repeat(width - stringWidth(cell))
  return rows.map((row) =>
    row
      .flatMap((cell, column) => (widths[column] === 0 ? [] : [pad(cell, widths[column] ?? 0)]))
      .join('  ')
      .trimEnd(),
  )
}

function widest(texts: readonly string[]): number {
  return Math.max(...texts.map((text) => stringWidth(text)))
}

function nameOf({ title, ending }: Shown): string {
  return title === '' ? ending : `${title} ${ending}`
}

/** The name in this width. The title is cut first, since processes may have the same. */
function cutName(member: Shown, width: number): string {
  const { title, ending } = member
  const room = width - stringWidth(ending) - 1
  return title === '' || room < NARROWEST_TITLE ? cut(nameOf(member), width) : `${cut(title, room)} ${ending}`
}

/** One line without a bar, for outputs other than a terminal. */
export function plainLine(members: readonly Shown[]): string {
  const [only] = members
  if (members.length !== 1 || only === undefined) {
    const { ended, all, counts } = countsOf(members)
    return `${number(ended)} of ${number(all)} ended${percent(ended, all)}: ${counts}`
  }
  const { state } = only
  const { progress } = state
  const parts = [`${nameOf(only)}: ${stateWord(state)}`]
  if (progress !== undefined) parts.push(doneText(progress) + percent(progress.done, progress.total ?? 0))
  const message = messageOf(state)
  if (message !== '') parts.push(message)
  return oneLine(parts.join(', '))
}

function totalLine(members: readonly Shown[], elapsed: number, columns: number): string {
  const { ended, all, counts } = countsOf(members)
  const seconds = Math.floor(elapsed / 1000)
  const time =
    seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
  const head = `${number(ended)} of ${number(all)} ended`
  const tail = `${counts}  ${time}`
  const bar = Math.min(WIDEST_BAR, columns - head.length - tail.length - 5)
  return (bar < NARROWEST_BAR ? [head, tail] : [head, barOf(ended / all, bar), tail]).join('  ')
}

function countsOf(members: readonly Shown[]): {
  readonly ended: number
  readonly all: number
  readonly counts: string
} {
  const byState = new Map<string, number>()
  for (const { state } of members) {
    const label = isLost(state) ? LOST : labelOf(state)
    byState.set(label, (byState.get(label) ?? 0) + 1)
  }
  const counts = [...Object.values(ProcessState), FAILED, LOST].flatMap((label) => {
    const count = byState.get(label) ?? 0
    return count === 0 ? [] : [`${number(count)} ${label}`]
  })
  const ended = members.filter(({ state }) => hasEnded(state)).length
  return { ended, all: members.length, counts: counts.join(', ') }
}

/**
 * The most informative processes: those that run and report progress, then the others that run, those
 * that failed, and those that have not ended. Their order is kept.
 */
function busiest(members: readonly Shown[], count: number): readonly Shown[] {
  const rank = ({ state }: Shown): number => {
    if (hasEnded(state)) return state.successful ? 4 : 2
    if (state.label !== 'running') return 3
    return state.progress === undefined ? 1 : 0
  }
  const ranked = members.map((member, index) => ({ member, index, rank: rank(member) }))
  return ranked
    .toSorted((a, b) => a.rank - b.rank || a.index - b.index)
    .slice(0, count)
    .toSorted((a, b) => a.index - b.index)
    .map(({ member }) => member)
}

function stateWord(state: StateInfo): string {
  if (isLost(state)) return LOST
  return state.paused && !state.terminal ? 'paused' : labelOf(state)
}

function labelOf({ label, successful }: StateInfo): string {
  return label === ProcessState.FINISHED && !successful ? FAILED : label
}

/** Why the process failed, or else what it has reported, or what it waits for. */
function messageOf({ progress, message, exitCode, terminal, successful }: StateInfo): string {
  const failure = terminal && !successful ? (exitCode?.message ?? message) : undefined
  return failure ?? (progress === undefined ? message : progress.message) ?? ''
}

/** A process that is not in the store will not change. */
function hasEnded(state: StateInfo): boolean {
  return state.terminal || isLost(state)
}

function barText({ progress, terminal, successful }: StateInfo, width: number): string {
  if (progress?.total === undefined) return terminal && successful ? barOf(1, width) : ''
  return barOf(progress.total === 0 ? 1 : progress.done / progress.total, width)
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
