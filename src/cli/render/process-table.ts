import type { ProcessSummary } from '../../index.ts'
import { PLAIN, type Screen } from './screen.ts'
import { processStateText, stateStyle, stateText } from './state-text.ts'
import { type Column, columns } from './table.ts'
import { ago, until } from './time.ts'
import { statusText, type ShortPid } from './wait-text.ts'

/** What a table of processes shows in addition to them. */
interface TableOptions {
  /** The displayed form of each pid. */
  readonly pids?: ReadonlyMap<string, string>
  /** The unfinished processes that each process waits for, by its pid. */
  readonly awaited?: ReadonlyMap<string, readonly string[]>
  /** Their successors. */
  readonly successors?: ReadonlyMap<string, ProcessSummary>
  /** The steps in which those that failed have ended. */
  readonly endedIn?: ReadonlyMap<string, string>
  readonly screen?: Screen
}

/** `superseded by 1a2b3c (running): no memory`. */
function withSuccessor(text: string, successor: ProcessSummary | undefined, short: ShortPid): string {
  if (successor === undefined) return text
  const begun = `superseded by ${short(successor.pid)} (${stateText(successor.state)})`
  return text === '' ? begun : `${begun}: ${text}`
}

/** Columns in the order of the table. What is left out first is what another column or command shows too. */
const COLUMNS: readonly (Column & { readonly optional?: true })[] = [
  { heading: 'PID', most: 40, least: 13 },
  { heading: 'CLASS', least: 6 },
  { heading: 'STATE', most: 30, style: stateStyle },
  { heading: 'STEP', least: 8, cut: 'start', drop: 4 },
  { heading: 'TRY', align: 'right', optional: true, drop: 1 },
  { heading: 'KEY', least: 8, optional: true, drop: 2 },
  { heading: 'LABEL', least: 8, optional: true, drop: 3 },
  { heading: 'STATUS', most: 120, least: 16, drop: 5 },
  { heading: 'DUE', align: 'right', optional: true, drop: 6 },
  { heading: 'AGE', align: 'right' },
]

/** When a process continues by itself; empty for a paused or parked process, which does not. */
function dueText({ due, state }: ProcessSummary, now: number): string {
  const { paused, reason, label } = state
  const isReady = reason === 'queued' || (reason === 'crash' && label === 'running')
  const stands = paused || reason === 'parked' || isReady
  return due === null || stands ? '' : until(due, now)
}

/** Returns a table with a line for each process. Optional columns that are empty are omitted. */
export function processTable(
  processes: readonly ProcessSummary[],
  now: number,
  {
    pids = new Map(),
    awaited = new Map(),
    successors = new Map(),
    endedIn = new Map(),
    screen = PLAIN,
  }: TableOptions = {},
): string {
  const short = (pid: string): string => pids.get(pid) ?? pid
  const rows = processes.map((one) => [
    short(one.pid),
    one.name,
    processStateText(one),
    one.step ?? endedIn.get(one.pid) ?? '',
    one.attempt > 1 ? String(one.attempt) : '',
    one.key ?? '',
    one.label ?? '',
    withSuccessor(statusText(one, now, awaited.get(one.pid), short), successors.get(one.pid), short),
    dueText(one, now),
    ago(one.created, now),
  ])
  const isUsed = COLUMNS.map(({ optional }, index) => !optional || rows.some((row) => row[index] !== ''))
  const keep = <T>(row: readonly T[]): T[] => row.filter((_, index) => isUsed[index])
  return columns(keep(COLUMNS), rows.map(keep), screen)
}
