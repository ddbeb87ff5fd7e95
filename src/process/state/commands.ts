import { milliseconds, type Duration } from '../../shared/duration.ts'
import { TransitionError } from '../../shared/errors.ts'
import { checkOptions, isFlag, type OptionNames } from '../../shared/options.ts'
import { textProblem, wellFormed } from '../../shared/text.ts'
import { awaitsOf, type Awaited, type Awaits } from './awaits.ts'

/**
 * A step returns a command to choose the next state. Any other value is the result, as with `new
 * Stop(result)`.
 */
export type Command = Continue | Wait | Stop | Kill

/**
 * A step: a method of the process, such as `this.check`, or its name. Other functions can't be
 * saved.
 */
export type Step = string | ((...args: never) => unknown)

/** Runs another step next. The arguments are saved with it. */
export class Continue {
  readonly step: StepRef
  readonly args: readonly unknown[]

  /**
   * @throws TransitionError when `step` has no name; whether the process has it is looked at when
   * it is returned
   */
  constructor(step: Step, ...args: readonly unknown[]) {
    this.step = stepRef(step)
    this.args = args
  }
}

/** What a `Wait` waits for, and how it is shown. */
export interface WaitDetails {
  /** Why the process waits, for people. */
  readonly message?: string | undefined
  /** Any data for the wait. It is saved and passed to `onWait`. */
  readonly data?: unknown
  /**
   * The name of a signal that the class declares. The first such signal ends the wait, with its
   * payload as the value.
   */
  readonly receive?: string | undefined
  /** A date that ends the wait. Not together with `for`. */
  readonly until?: Date | undefined
  /** A duration after which the wait ends, counted from the end of the step. */
  readonly for?: Duration | undefined
  /**
   * Handles of processes. The wait ends when all of them have ended, successfully or not. The value
   * has a `Settled` for each, in the same shape.
   */
  readonly on?: Awaited | undefined
  /**
   * Whether the first end is enough. The value then has `undefined` for the processes that go on.
   * Default false.
   */
  readonly any?: boolean | undefined
}

const WAIT_OPTIONS: OptionNames<WaitDetails> = {
  message: true,
  data: true,
  receive: true,
  until: true,
  for: true,
  on: true,
  any: true,
}

/**
 * Waits until the process is resumed, or until one of the conditions in the options is met: a
 * signal, a time, the end of other processes. The step is then called with `(value, wake)`, where
 * `wake.by` names the condition. Without a step the process finishes with the value. Events that
 * came before the wait count (C8). A waiting process may leave memory.
 */
export class Wait {
  readonly step: StepRef | undefined
  readonly message: string | undefined
  readonly data: unknown
  readonly receive: string | undefined
  /** Wall-clock milliseconds. */
  readonly until: number | undefined
  /** Milliseconds. */
  readonly for: number | undefined
  readonly on: Awaits | undefined

  /**
   * @throws TransitionError when `step` has no name, or the options contradict each other
   * @throws TypeError for an unknown option
   * @throws RangeError for a date or duration that is none
   */
  constructor(step?: Step, options: WaitDetails = {}) {
    checkOptions(options, WAIT_OPTIONS, 'Wait')
    this.step = step === undefined ? undefined : stepRef(step)
    this.message = wellFormed(options.message)
    this.data = options.data
    this.receive = options.receive
    if (options.until !== undefined && options.for !== undefined)
      throw new TransitionError('A wait has either `until`, a date, or `for`, a duration: give one of them')
    this.until = options.until === undefined ? undefined : timeOf(options.until)
    this.for = options.for === undefined ? undefined : milliseconds(options.for)
    this.on = options.on === undefined ? undefined : awaitsOf(options.on, options.any ?? false)
    if (this.on?.any === true && this.on.pids.length === 0)
      throw new TransitionError('A wait for the first of no processes would never end: give it handles')
  }
}

/** Options of `Stop`. */
export interface StopOptions {
  /** Default true; false with an exit code. */
  readonly successful?: boolean | undefined
  readonly exitCode?: ExitCodeInfo | undefined
}

const STOP_OPTIONS: OptionNames<StopOptions> = { successful: isFlag, exitCode: true }

/** What `exitCodes.NAME()` returns. */
export interface ExitCodeInfo {
  readonly code: number
  readonly label: string
  readonly message: string
}

/** An exit code in words: `ERROR_TOO_LARGE (3): the limit is 3`. */
export function exitCodeText({ label, code, message }: ExitCodeInfo): string {
  return `${label} (${code}): ${message}`
}

/** Finishes the process. */
export class Stop {
  readonly result: unknown
  readonly successful: boolean
  readonly exitCode: ExitCodeInfo | undefined

  constructor(result?: unknown, options: StopOptions = {}) {
    checkOptions(options, STOP_OPTIONS, 'Stop')
    this.result = result
    this.exitCode = options.exitCode
    this.successful = options.successful ?? (options.exitCode === undefined || options.exitCode.code === 0)
  }
}

/** Kills the process from within. */
export class Kill {
  readonly message: string | undefined

  constructor(message?: string) {
    this.message = wellFormed(message)
  }
}

/** A result that counts as a failure: the same as `new Stop(result, { successful: false })`. */
export class UnsuccessfulResult {
  readonly result: unknown

  constructor(result?: unknown) {
    this.result = result
  }
}

/**
 * A step as a command names it. With `method` the class checks that the name leads to that very
 * function.
 */
export interface StepRef {
  readonly name: string
  readonly method: ((...args: never) => unknown) | undefined
}

function stepRef(step: Step): StepRef {
  const name = typeof step === 'function' ? step.name : step
  if (typeof name !== 'string' || name === '') {
    throw new TransitionError(
      'A step must be a method of the process, such as `this.check`, or its name. ' +
        `What was given (${typeof step === 'function' ? 'a function without a name' : typeof step}) can't be found again after a restart.`,
    )
  }
  if (!name.isWellFormed()) throw new TransitionError(`The name of a step ${textProblem(name)}`)
  return { name, method: typeof step === 'function' ? step : undefined }
}

function timeOf(date: Date): number {
  const time = date instanceof Date ? date.getTime() : Number.NaN
  if (Number.isNaN(time)) throw new RangeError(`\`until\` is ${String(date)}: give a valid Date`)
  return time
}
