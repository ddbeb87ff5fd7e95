import type { HistoryRow } from '../contract/rows.ts'

/*
 * The entries of a history as lines of text: a JSON array (commit, sequence number, time, name,
 * number of the author), a tab and the JSON of the data, if there is any.
 */

/**
 * A line is added to a row only while its lines have fewer bytes than this. Otherwise the older
 * ones leave the row.
 */
export const LONGEST_RECENT = 1_600

/** An entry as its line has it. */
export interface HistoryLine extends Omit<HistoryRow, 'n' | 'pid' | 'by'> {
  /** The number of the author. */
  readonly author: number | null
}

/** A cache of the names of events as JSON. It is bounded, since a process may have events of its own. */
const QUOTED = new Map<string, string>()
const MOST_QUOTED = 100

function quoted(name: string): string {
  const known = QUOTED.get(name)
  if (known !== undefined) return known
  const text = JSON.stringify(name)
  if (QUOTED.size < MOST_QUOTED) QUOTED.set(name, text)
  return text
}

export function historyLine(
  commit: number,
  seq: number,
  at: number,
  name: string,
  author: number | null,
  data: string | null,
): string {
  const head = `[${commit},${seq},${at},${quoted(name)},${author}]`
  if (data === null) return `${head}\n`
  // Between the tokens of a JSON text, a space means the same as the end of a line.
  return `${head}\t${data.includes('\n') ? data.replaceAll('\n', ' ') : data}\n`
}

/**
 * The entry of a line. The entry of a damaged line has the name `damaged` and the line as data,
 * which is then not a JSON object.
 */
export function readHistoryLine(line: string): HistoryLine {
  const tab = line.indexOf('\t')
  const head = tab === -1 ? line : line.slice(0, tab)
  try {
    const [commit, seq, at, name, author] = JSON.parse(head) as [
      number,
      number,
      number,
      string,
      number | null,
    ]
    if (typeof name === 'string')
      return { commit, seq, at, name, author, data: tab === -1 ? null : line.slice(tab + 1) }
  } catch {
    // It is damaged.
  }
  return { commit: 0, seq: 0, at: 0, name: 'damaged', author: null, data: `[${line}` }
}

/** The lines of a text. */
export function linesOf(text: string): string[] {
  return text === '' ? [] : text.slice(0, text.endsWith('\n') ? -1 : undefined).split('\n')
}

export function countLines(text: string): number {
  return linesOf(text).length
}

/** The entries of a text that a commit has added, or a later one. */
export function linesSince(text: string, commit: number): HistoryLine[] {
  const found: HistoryLine[] = []
  for (const line of linesOf(text).toReversed()) {
    const entry = readHistoryLine(line)
    if (entry.name !== 'damaged' && entry.commit < commit) break
    found.push(entry)
  }
  return found.toReversed()
}
