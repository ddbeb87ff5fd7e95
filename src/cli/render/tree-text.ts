import type { ProcessState, ProcessSummary } from '../../index.ts'
import { stateText } from './state-text.ts'
import { cut, oneLine } from './terminal-text.ts'
import { statusText } from './wait-text.ts'

/** A process and its descendants. */
export interface ProcessTree {
  readonly process: ProcessSummary
  /** The unfinished processes that it waits for, at most 100. */
  readonly awaited: readonly string[]
  /** Oldest first; empty if there are too many to show. */
  readonly children: readonly ProcessTree[]
  /** The number of children in each state, if there are too many to show. */
  readonly counts?: Readonly<Record<ProcessState, number>>
}

/** The most characters of a label. */
const WIDEST_LABEL = 60

/** Returns a line for each process of a tree: class, pid, state, step, what it waits for. */
export function treeText(tree: ProcessTree, now: number): string {
  return [line(tree, now), ...linesBelow(tree, '', now)].join('\n')
}

function linesBelow({ children, counts }: ProcessTree, indent: string, now: number): string[] {
  const entries = children.map((child, index) => {
    const isLast = index === children.length - 1
    const below = linesBelow(child, `${indent}${isLast ? '   ' : '│  '}`, now)
    return [`${indent}${isLast ? '└─ ' : '├─ '}${line(child, now)}`, ...below]
  })
  const rest = counts === undefined ? [] : [`${indent}└─ ${countText(counts)}; --all shows them`]
  return [...entries.flat(), ...rest]
}

function line({ process, awaited }: ProcessTree, now: number): string {
  const { name, pid, state, step, attempt, abandoned, label } = process
  const place = attempt > 1 ? `${step ?? ''} (attempt ${attempt})` : step
  const said = statusText(process, now, awaited)
  const told = [
    `${name} ${pid}`,
    label === null ? null : `"${cut(label, WIDEST_LABEL)}"`,
    `${stateText(state)}${abandoned ? ', abandoned' : ''}`,
    place,
    said,
  ]
  return oneLine(told.filter((text) => text !== null && text !== '').join('  '))
}

/** `10,000 children: 9,000 finished, 1,000 waiting`. */
export function countText(counts: Readonly<Record<string, number>>): string {
  const number = (count: number): string => count.toLocaleString('en-US')
  const states = Object.entries(counts).filter(([, count]) => count > 0)
  const all = states.reduce((sum, [, count]) => sum + count, 0)
  const each = states.map(([state, count]) => `${number(count)} ${state}`)
  return `${number(all)} ${all === 1 ? 'child' : 'children'}: ${each.join(', ')}`
}
