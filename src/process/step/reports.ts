import { checkOptions, type OptionNames, shown } from '../../shared/options.ts'
import { checkText, wellFormed } from '../../shared/text.ts'
import { SerializationError } from '../../shared/errors.ts'
import type { Codec } from '../../bundle/codec.ts'
import {
  costOf,
  costOfEvent,
  LARGEST_LOG,
  type AddedEvent,
  type LogEntry,
  type Progress,
  type Report,
} from '../state/report.ts'

/** What a process has reported and its host has not taken yet. */
export class Reports {
  #log: LogEntry[] = []
  #events: AddedEvent[] = []
  #progress: Progress | undefined
  /** How much was reported in this program, with what the host has taken. */
  #reported = 0
  #pending = 0

  /** How many characters the host has not taken yet. */
  get pending(): number {
    return this.#pending
  }

  print(entry: LogEntry): void {
    const { text } = entry
    const cut =
      text.length > LARGEST_LOG ? { ...entry, text: `${text.slice(0, LARGEST_LOG).toWellFormed()}\n` } : entry
    if (this.#isAdmitted(costOf(cut))) this.#log.push(cut)
  }

  event(event: AddedEvent): void {
    if (this.#isAdmitted(costOfEvent(event.name, event.data))) this.#events.push(event)
  }

  progress(progress: Progress): void {
    this.#progress = progress
  }

  get isEmpty(): boolean {
    return this.#log.length === 0 && this.#events.length === 0 && this.#progress === undefined
  }

  /** Takes what was reported since the last call; undefined if there is nothing. */
  take(): Report | undefined {
    if (this.isEmpty) return undefined
    const report = { log: this.#log, events: this.#events, progress: this.#progress }
    this.#log = []
    this.#events = []
    this.#progress = undefined
    this.#pending = 0
    return report
  }

  /** Takes back a report that could not be stored. Later reports come after it. */
  putBack({ log, events, progress }: Report): void {
    this.#log = [...log, ...this.#log]
    this.#events = [...events, ...this.#events]
    this.#progress ??= progress
    for (const entry of log) this.#pending += costOf(entry)
  }

  /**
   * The store drops what is beyond the limit, and notes that in the log. So the memory of a step
   * that prints without end is bounded by admitting the first entry beyond the limit and no other.
   */
  #isAdmitted(cost: number): boolean {
    if (this.#reported >= LARGEST_LOG) return false
    this.#reported += cost
    this.#pending += cost
    return true
  }
}

/** Options of `print`. */
export interface PrintOptions {
  /** Default `stdout`. */
  readonly stream?: 'stdout' | 'stderr' | undefined
}

const PRINT_OPTIONS: OptionNames<PrintOptions> = {
  stream: (what, value) => {
    if (value !== 'stdout' && value !== 'stderr')
      throw new TypeError(`${what} is 'stdout' or 'stderr', not ${shown(value)}`)
  },
}

/** Returns the stream and the text of a `print`. @throws TypeError */
export function printed(text: string, options: PrintOptions): Pick<LogEntry, 'stream' | 'text'> {
  if (typeof text !== 'string')
    throw new TypeError(`print takes a string, not ${shown(text)}: format other values first`)
  checkOptions(options, PRINT_OPTIONS, 'print')
  return { stream: options.stream ?? 'stdout', text: `${wellFormed(text)}\n` }
}

const PROGRESS: OptionNames<Progress> = {
  done: isAmount,
  total: isAmount,
  message: (what, value) => checkText(what, value, { empty: true }),
}

function isAmount(what: string, value: unknown): void {
  if (typeof value !== 'number') throw new TypeError(`${what} is a number from 0, not ${shown(value)}`)
  if (!(value >= 0 && value < Number.POSITIVE_INFINITY))
    throw new RangeError(`${what} is ${value}: give a finite number from 0`)
}

/** The longest message of a progress, in characters. */
const LONGEST_MESSAGE = 1_000

/** Returns a checked copy of a progress. @throws TypeError or RangeError for an invalid one */
export function checkedProgress(progress: Progress): Progress {
  checkOptions(progress, PROGRESS, 'progress')
  const { done, total, message } = progress
  isAmount('progress: done', done)
  return {
    done,
    ...(total !== undefined && { total }),
    ...(message !== undefined && { message: message.slice(0, LONGEST_MESSAGE).toWellFormed() }),
  }
}

/** The largest added event, in characters of its name and of the saved form of its data. */
const LARGEST_EVENT = 64_000

/**
 * Returns the saved form of an event's data; undefined if there is none.
 *
 * @throws TypeError for a bad name
 * @throws SerializationError for data that can't be saved or is too large
 */
export function eventText(name: string, data: unknown, codec: Codec): string | undefined {
  checkText('addEvent: the name', name)
  const path = `event ${name.slice(0, LONGEST_MESSAGE)}`
  const text = data === undefined ? undefined : codec.stringify(data, path)
  const size = name.length + (text?.length ?? 0)
  if (size > LARGEST_EVENT)
    throw new SerializationError(
      path,
      `takes ${size} characters as JSON, and an event ${LARGEST_EVENT} at most: keep large data in a file and save its path`,
    )
  return text
}
