import { CHECKPOINT_PART, isKeptAfterSuccess, OUTPUT_PREFIX, RECORD_PREFIX } from '../rules/parts.ts'
import type { Parts } from '../contract/writes.ts'

/*
 * The parts of a bundle that are small enough for the row of their process. Large ones are in the
 * table `part`, so that a step does not write them again. If both have a part of a name, the one in
 * the row counts.
 */

/** The columns of a row with its parts, except `state`. */
export interface RowParts {
  inputs: string | null
  /** What the process keeps between its steps. */
  memory: string | null
  /**
   * A line for each other part: its name, a tab and its JSON. A later line replaces an earlier one
   * of the same name.
   */
  small: string | null
  /** The parts of the step's record, as lines. */
  record: string | null
}

/** The largest part that has a column of its own, and the largest that is a line, in characters. */
const LARGEST_COLUMN = 2_000
const LARGEST_LINE = 1_000
/** The most bytes of lines in a column to which a line is added. */
export const LONGEST_LINES = 4_000

/** A part and its text. */
export type NamedText = readonly [name: string, text: string]

export function noParts(): RowParts {
  return { inputs: null, memory: null, small: null, record: null }
}

/** The column of a part, or the column of lines to which the part belongs. */
function columnOf(name: string): keyof RowParts {
  if (name === 'inputs') return 'inputs'
  if (name === CHECKPOINT_PART) return 'memory'
  return name.startsWith(RECORD_PREFIX) ? 'record' : 'small'
}

/** Whether the row may have this part. */
function fitsRow(name: string, text: string): boolean {
  const column = columnOf(name)
  if (column === 'inputs' || column === 'memory') return text.length <= LARGEST_COLUMN
  return text.length <= LARGEST_LINE && !text.includes('\n') && isLineName(name)
}

/** Whether a line may have this name. */
function isLineName(name: string): boolean {
  return !name.includes('\t') && !name.includes('\n')
}

function partLine(name: string, text: string): string {
  return `${name}\t${text}\n`
}

/** The line that says that the row does not have a part any more. */
function droppedLine(name: string): string {
  return `${name}\n`
}

/** The parts of a row, together with those that are stored beside it. */
export function partsOf(
  row: RowParts,
  beside: readonly { readonly name: string; readonly text: string }[],
): Parts {
  const parts: Record<string, string> = {}
  for (const { name, text } of beside) parts[name] = text
  if (row.inputs !== null) parts['inputs'] = row.inputs
  if (row.memory !== null) parts[CHECKPOINT_PART] = row.memory
  for (const lines of [row.small, row.record]) if (lines !== null) Object.assign(parts, readLines(lines))
  return parts
}

function readLines(lines: string): Record<string, string> {
  const parts: Record<string, string> = {}
  for (const line of lines.split('\n')) {
    const tab = line.indexOf('\t')
    if (tab === -1) delete parts[line]
    else parts[line.slice(0, tab)] = line.slice(tab + 1)
  }
  return parts
}

/** Puts a part into a row. If the row has no room for it, returns false and changes nothing. */
export function putInRow(row: RowParts, name: string, text: string): boolean {
  const fits = fitsRow(name, text)
  const column = columnOf(name)
  if (column === 'inputs' || column === 'memory') {
    row[column] = fits ? text : null
    return fits
  }
  const parts = row[column] === null ? {} : readLines(row[column])
  delete parts[name]
  const others = writeLines(parts)
  const line = partLine(name, text)
  const hasRoom = fits && others.length + line.length <= LONGEST_LINES
  row[column] = (hasRoom ? others + line : others) || null
  return hasRoom
}

export function dropFromRow(row: RowParts, name: string): void {
  const column = columnOf(name)
  if (column === 'inputs' || column === 'memory') row[column] = null
  else if (row[column] !== null) {
    const parts = readLines(row[column])
    delete parts[name]
    row[column] = writeLines(parts) || null
  }
}

/** Drops the outputs that a row has. Returns whether there were any. */
export function dropOutputsFromRow(row: RowParts): boolean {
  if (row.small === null) return false
  const parts = readLines(row.small)
  const outputs = Object.keys(parts).filter((name) => name.startsWith(OUTPUT_PREFIX))
  for (const name of outputs) delete parts[name]
  if (outputs.length > 0) row.small = writeLines(parts) || null
  return outputs.length > 0
}

function writeLines(parts: Parts): string {
  let lines = ''
  for (const name in parts) lines += partLine(name, parts[name] as string)
  return lines
}

/** What a write changes in the columns of a row, decided without reading them. */
export interface PartChange {
  /** Whether anything is changed. */
  readonly any: boolean
  /** Left out: the column stays. */
  readonly inputs?: string | null
  readonly memory?: string | null
  /** Lines to add. */
  readonly small?: string
  /** The parts to store beside the row. */
  readonly large: readonly NamedText[]
  /** The names of which nothing may stay beside the row. */
  readonly inRow: readonly string[]
}

const NO_CHANGE: PartChange = { any: false, large: [], inRow: [] }

function hasStateAlone(parts: Parts): boolean {
  for (const name in parts) if (name !== 'state') return false
  return true
}

/**
 * The change of a write, which ends the process successfully if `succeeds`. Undefined if it
 * can't be made blindly: the write has a part of the step's record.
 */
export function partChange(
  parts: Parts,
  dropped: readonly string[],
  succeeds: boolean,
): PartChange | undefined {
  if (dropped.length === 0 && hasStateAlone(parts)) return NO_CHANGE
  let inputs: string | null | undefined
  let memory: string | null | undefined
  let small = ''
  const large: NamedText[] = []
  const inRow: string[] = []
  const put = (name: string, text: string | null): boolean => {
    const fits = text !== null && fitsRow(name, text)
    const column = columnOf(name)
    if (column === 'record') return false
    if (column === 'inputs') inputs = fits ? text : null
    else if (column === 'memory') memory = fits ? text : null
    else if (isLineName(name)) small += fits ? partLine(name, text) : droppedLine(name)
    if (text !== null && !fits) large.push([name, text])
    else inRow.push(name)
    return true
  }
  for (const name in parts) {
    if (name === 'state' || (succeeds && !isKeptAfterSuccess(name))) continue
    if (!put(name, parts[name] as string)) return undefined
  }
  for (const name of dropped) {
    if (succeeds && !isKeptAfterSuccess(name)) continue
    if (!put(name, null)) return undefined
  }
  if (inRow.length === 0 && large.length === 0) return NO_CHANGE
  return {
    any: true,
    large,
    inRow,
    ...(inputs !== undefined && { inputs }),
    ...(memory !== undefined && { memory }),
    ...(small !== '' && { small }),
  }
}
