/*
 * The reports of a running process: the lines of its log, events, and its progress.
 */

/** The progress of a process, in any unit. */
export interface Progress {
  /** How much is done: a number from 0. */
  readonly done: number
  /** How much there is to do, if that is known. */
  readonly total?: number | undefined
  /** What the process is doing now, for display. */
  readonly message?: string | undefined
}

/** The levels of a logger that are stored with a process. `debug` is not stored. */
export type StoredLevel = 'info' | 'warn' | 'error'

/** Something that a process has printed or logged. */
export interface LogEntry {
  readonly stream: 'stdout' | 'stderr'
  /** The text with its line break. */
  readonly text: string
  /** When it was printed, in wall-clock milliseconds. */
  readonly at: number
  /** The attempt of the step that printed it. */
  readonly attempt: number
  /** Set if `this.logger` has written the text. */
  readonly level?: StoredLevel | undefined
}

/** An event that the code of a process added to its history. */
export interface AddedEvent {
  readonly name: string
  /** When it was added, in wall-clock milliseconds. */
  readonly at: number
  /** The data in its saved form, as JSON text; undefined if there is none. */
  readonly data: string | undefined
  /** Whether a caller added it through a handle, not the code of the process. */
  readonly caller?: true | undefined
}

/** What a process has reported and its host has not taken yet. */
export interface Report {
  readonly log: readonly LogEntry[]
  readonly events: readonly AddedEvent[]
  /** Undefined if the process has reported no progress. */
  readonly progress: Progress | undefined
}

/**
 * The most that is kept of the log and the added events of one process, in characters. A process
 * that prints in an endless loop must not fill the disk.
 */
export const LARGEST_LOG = 1_000_000

/** What an entry counts towards the limit in addition to its text, so that empty lines count too. */
const ENTRY_COST = 40

export function costOf({ text }: Pick<LogEntry, 'text'>): number {
  return text.length + ENTRY_COST
}

export function costOfEvent(name: string, data: string | undefined): number {
  return name.length + (data?.length ?? 0) + 2 * ENTRY_COST
}

/** What is kept of a report, and how much the process has reported then. */
export interface Admitted<E> {
  readonly log: readonly LogEntry[]
  readonly events: readonly E[]
  readonly size: number
}

/**
 * Decides what is kept of a report by a process that has already reported `size` characters. If the
 * limit is reached, the log gets one last entry that reports it, and nothing is kept from then on.
 */
export function admit<E>(
  size: number,
  { log, events }: { readonly log: readonly LogEntry[]; readonly events: readonly E[] },
  costOfOne: (event: E) => number,
  at: number,
): Admitted<E> {
  if (size >= LARGEST_LOG) return { log: [], events: [], size }
  const kept: LogEntry[] = []
  const keptEvents: E[] = []
  const full = (): Admitted<E> => {
    const attempt = log.at(-1)?.attempt ?? 1
    kept.push({ stream: 'stderr', text: FULL, at, attempt })
    return { log: kept, events: keptEvents, size: LARGEST_LOG }
  }
  let total = size
  for (const event of events) {
    total += costOfOne(event)
    if (total >= LARGEST_LOG) return full()
    keptEvents.push(event)
  }
  for (const entry of log) {
    const room = LARGEST_LOG - total - ENTRY_COST
    total += costOf(entry)
    if (total >= LARGEST_LOG) {
      if (room > 0) kept.push({ ...entry, text: `${entry.text.slice(0, room).toWellFormed().trimEnd()}\n` })
      return full()
    }
    kept.push(entry)
  }
  return { log: kept, events: keptEvents, size: total }
}

const FULL = `[the log is full: of each process, ${LARGEST_LOG / 1_000_000} million characters of output and events are kept; the rest is dropped]\n`
