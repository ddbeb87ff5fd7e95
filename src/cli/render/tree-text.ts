import type { ProcessState, ProcessSummary } from '../../index.ts'
import { paint } from './paint.ts'
import { PLAIN, type Screen } from './screen.ts'
import { processStateText, stateStyle } from './state-text.ts'
import { cut, oneLine } from '../../shared/terminal-text.ts'
import { namedIn, statusText } from './wait-text.ts'

/** A process and its descendants. */
export interface ProcessTree {
  readonly process: ProcessSummary
  /** The unfinished processes that it waits for, at most 100. */
  readonly awaited: readonly string[]
  /** Oldest first; empty if there are too many to show. */
  readonly children: readonly ProcessTree[]
  /** The number of children in each state, if there are too many to show. */
  readonly counts?: Readonly<Record<ProcessState, number>>
  /** How many further calls an actor has that are not shown. */
  readonly moreCalls?: number
}

/** The most characters of a label. */
const WIDEST_LABEL = 60
/** The most characters of a label where the lines are short. */
const NARROW_LABEL = 20

/** What the lines of a tree depend on. */
export interface TreeLook {
  readonly now: number
  /** The short forms of pids, if there are any. */
  readonly pids?: ReadonlyMap<string, string>
  readonly screen?: Screen
}

/**
 * Returns an escaped line for each process of a tree: class, pid, state, step, what it waits for. No line is wider than
 * the screen.
 */
export function treeText(tree: ProcessTree, look: TreeLook): string {
  return [line(tree, '', look), ...linesBelow(tree, '', look)].join('\n')
}

/** The pids that the lines of a tree have. */
export function pidsInTree({ process, awaited, children }: ProcessTree): readonly string[] {
  const named = namedIn(process.state.message) ?? []
  const awaitedOnly = awaited.length === 1 ? awaited : []
  return [process.pid, ...named, ...awaitedOnly, ...children.flatMap(pidsInTree)]
}

function linesBelow({ children, counts, moreCalls }: ProcessTree, indent: string, look: TreeLook): string[] {
  const entries = children.map((child, index) => {
    const isLast = index === children.length - 1 && moreCalls === undefined
    const below = linesBelow(child, `${indent}${isLast ? '   ' : '│  '}`, look)
    return [line(child, `${indent}${isLast ? '└─ ' : '├─ '}`, look), ...below]
  })
  const { screen = PLAIN } = look
  const rest =
    counts === undefined ? [] : [cut(`${indent}└─ ${countText(counts)}; --all shows them`, screen.width)]
  const calls = moreCalls === undefined ? [] : [cut(`${indent}└─ and ${moreCalls} more`, screen.width)]
  return [...entries.flat(), ...rest, ...calls]
}

function line({ process, awaited }: ProcessTree, indent: string, look: TreeLook): string {
  const { name, pid, step, attempt, abandoned, label } = process
  const { now, pids, screen = PLAIN } = look
  const short = (one: string): string => pids?.get(one) ?? one
  const stepText = attempt > 1 ? `${step ?? ''} (attempt ${attempt})` : step
  const state = `${processStateText(process)}${abandoned ? ', abandoned' : ''}`
  const parts = [
    `${name} ${short(pid)}`,
    label === null ? null : `"${cut(label, screen.width > 120 ? WIDEST_LABEL : NARROW_LABEL)}"`,
    state,
    stepText,
    statusText(process, now, awaited, short),
  ]
  const text = oneLine(parts.filter((one) => one !== null && one !== '').join('  '))
  const fitting = cut(indent + text, screen.width)
  return fitting.replace(oneLine(state), (found) =>
    paint(found, stateStyle(processStateText(process)), screen),
  )
}

/** `10,000 children: 9,000 finished, 1,000 waiting`. */
export function countText(counts: Readonly<Record<string, number>>): string {
  const number = (count: number): string => count.toLocaleString('en-US')
  const states = Object.entries(counts).filter(([, count]) => count > 0)
  const all = states.reduce((sum, [, count]) => sum + count, 0)
  const each = states.map(([state, count]) => `${number(count)} ${state}`)
  return `${number(all)} ${all === 1 ? 'child' : 'children'}: ${each.join(', ')}`
}
