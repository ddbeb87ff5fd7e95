import { openSync, readFileSync, writeSync } from 'node:fs'

/*
 * The log of a run: one file, outside the store, to which all programs append. A line is one `write` in append mode, so the order of the
 * lines is the order in which things happened, and a line survives the program that wrote it. The power is not cut: no line waits for the disk.
 */

/** A step begins, or comes to its end: its command is not committed yet. */
export interface StepLine {
  readonly what: 'step'
  readonly phase: 'begin' | 'end'
  readonly pid: string
  /** Counts the steps of the process; kept in `ctx`, so a step that runs again has the same number. */
  readonly k: number
  readonly step: string
  readonly attempt: number
}

/** The action of an effect begins or ends. */
export interface EffectLine {
  readonly what: 'effect'
  readonly phase: 'begin' | 'end'
  readonly pid: string
  readonly k: number
  readonly name: string
  readonly key: string
  /** Made anew each time that the action is called. */
  readonly token: string
}

/** `effect` has resolved: what is recorded is durable. */
export interface RecordedLine {
  readonly what: 'recorded'
  readonly pid: string
  readonly k: number
  readonly name: string
  readonly token: string
}

/** A `sleep`, `receive` or `join` within a step has resolved. */
export interface WokeLine {
  readonly what: 'woke'
  readonly pid: string
  readonly k: number
  readonly name: string
  readonly value: unknown
}

export type Action =
  'launch' | 'signal' | 'resume' | 'pause' | 'play' | 'kill' | 'retry' | 'restart' | 'call' | 'read' | 'stop'

/** Something is asked of the store; `op` is in the answer too. */
export interface AskLine {
  readonly what: 'ask'
  readonly op: string
  readonly do: Action
  /** Of a call: its actor. */
  readonly pid: string
  readonly class?: string | undefined
  readonly inputs?: unknown
  readonly key?: string | undefined
  /** In milliseconds. */
  readonly delay?: number | undefined
  /** Of a signal; its payload, as that of a resume, is `op`. */
  readonly name?: string | undefined
  readonly force?: boolean | undefined
}

/** The promise has settled: with `ok` or with an error. Without this line nobody knows. */
export interface AnswerLine {
  readonly what: 'answer'
  readonly op: string
  readonly ok: boolean
  /** What it resolved to. */
  readonly value?: unknown
  readonly error?: string | undefined
}

/** A handle says how a process has ended. */
export interface ToldLine {
  readonly what: 'reported'
  readonly pid: string
  readonly state: string
  /** Its result, of a call. */
  readonly value?: unknown
}

/** A program has opened its engine. */
export interface EngineLine {
  readonly what: 'engine'
  readonly id: string
}

/** Something is done to a program, the store, the disk or the clock, by whoever injects faults. */
export interface FaultLine {
  readonly what: 'fault'
  readonly fault: string
  readonly phase: 'begin' | 'end' | 'at'
  readonly program?: string | undefined
  readonly detail?: string | undefined
}

/** How a program ended. */
export interface ExitLine {
  readonly what: 'exit'
  readonly program: string
  readonly code: number | null
  readonly signal: string | null
}

/** The event loop of a program did not turn for so long, though nobody had blocked it. */
export interface LateLine {
  readonly what: 'late'
  readonly ms: number
}

/** When all faults have stopped, a process still has not ended. */
export interface StuckLine {
  readonly what: 'stuck'
  readonly pid: string
  readonly why: string
}

export type Entry =
  | StepLine
  | EffectLine
  | RecordedLine
  | WokeLine
  | AskLine
  | AnswerLine
  | ToldLine
  | EngineLine
  | FaultLine
  | ExitLine
  | LateLine
  | StuckLine

export type Line = Entry & {
  /** Milliseconds of the clock that nobody sets; the same one in all programs. */
  readonly at: number
  /** The wall clock as the programs of this run see it. */
  readonly wall: number
  /** The program. */
  readonly by: string
}

export class Log {
  readonly #file: number
  readonly #program: string
  /** How far the wall clock of the run is ahead of this program's: only the programs that the injector starts see the file that says it. */
  ahead = 0

  constructor(path: string, program: string) {
    this.#file = openSync(path, 'a')
    this.#program = program
  }

  add(entry: Entry): void {
    const at = Number(process.hrtime.bigint() / 1_000n) / 1_000
    writeSync(
      this.#file,
      `${JSON.stringify({ at, wall: Date.now() + this.ahead, by: this.#program, ...entry })}\n`,
    )
  }
}

/** The lines of a log; what is no whole line, as of a program that was killed while it wrote, is left out. */
export function readLog(path: string): Line[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((text) => {
      try {
        return [JSON.parse(text) as Line]
      } catch {
        return []
      }
    })
}
