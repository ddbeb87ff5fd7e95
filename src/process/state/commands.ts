import { milliseconds, type Duration } from '../../shared/duration.ts'
import { TransitionError } from '../../shared/errors.ts'
import { checkOptions, isFlag, type OptionNames } from '../../shared/options.ts'
import { textProblem, wellFormed } from '../../shared/text.ts'
import { awaitsOf, type Awaited, type Awaits } from './awaits.ts'
import type {
  AnyMethod,
  StepArguments,
  StepCall,
  TypedProcess,
  WaitCall,
  WokenStep,
} from './step-arguments.ts'
import type { WaitDetails } from './wait-details.ts'

/**
 * A step returns a command to choose the next state. Any other value is the result, as with `new
 * Stop(result)`.
 */
export type Command = Continue | Wait | Stop | Kill

/**
 * A step: a method of the process, such as `this.check`, or its name. Other functions can't be
 * saved.
 */
export type Step = string | AnyMethod

/** Runs another step next. The arguments are saved with it. */
export interface Continue {
  readonly step: StepRef
  readonly args: readonly unknown[]
}

/** How a `Continue` is made. */
export interface ContinueConstructor {
  readonly prototype: Continue
  /**
   * Continues with the step of this name. The compiler checks the name and the arguments by the
   * class: `new Continue<Order>('ship', 3)`.
   */
  new <P extends TypedProcess>(...call: StepCall<P>): Continue
  /**
   * Continues with a method of the process, such as `this.ship`, whose arguments are checked, or
   * with the step of this name.
   *
   * @throws TransitionError when `step` is neither; whether the process has the step is checked
   *   when the command is returned
   */
  new <S extends Step>(step: S, ...args: StepArguments<S>): Continue
}

/** Makes the command that runs another step next: `return new Continue(this.ship, 3)`. */
export const Continue: ContinueConstructor = class {
  readonly step: StepRef
  readonly args: readonly unknown[]

  constructor(step: unknown, ...args: readonly unknown[]) {
    this.step = stepRef(step)
    this.args = args
  }
}

/** The options of a `Wait`, with the types of those that decide what its step receives. */
interface TypedWaitDetails<On, For, Until, Any, Receive> extends Omit<
  WaitDetails,
  'on' | 'for' | 'until' | 'any' | 'receive'
> {
  readonly on?: On | undefined
  readonly for?: For | undefined
  readonly until?: Until | undefined
  readonly any?: Any | undefined
  readonly receive?: Receive | undefined
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
 * came before the wait count. A waiting process may leave memory.
 */
export interface Wait {
  readonly step: StepRef | undefined
  readonly message: string | undefined
  readonly data: unknown
  readonly receive: string | undefined
  /** Wall-clock milliseconds. */
  readonly until: number | undefined
  /** Milliseconds. */
  readonly for: number | undefined
  readonly on: Awaits | undefined
}

/** How a `Wait` is made. */
export interface WaitConstructor {
  readonly prototype: Wait
  /**
   * Waits, and then runs the step of this name, if there is one. The compiler checks the names of
   * the step and of the signal by the class: `new Wait<Order>('ship', { receive: 'paid' })`.
   */
  new <P extends TypedProcess>(...call: WaitCall<P>): Wait
  /** Waits for a resume, and then finishes the process with its value. */
  new (): Wait
  /**
   * Waits, and then calls a method of the process, such as `this.ship`, or the step of this name,
   * with `(value, wake)`. The method must accept what the options can give: with `for` or `until`
   * the value may be undefined, and with `on` it has the outcomes of the processes.
   *
   * @throws TransitionError when `step` is not a step, or the options contradict each other
   * @throws TypeError for an unknown option
   * @throws RangeError for an invalid date or duration
   */
  new <
    S extends Step | undefined,
    const On extends Awaited | undefined = undefined,
    For extends Duration | undefined = undefined,
    Until extends Date | undefined = undefined,
    Any extends boolean | undefined = undefined,
    Receive extends string | undefined = undefined,
  >(
    step: S & WokenStep<S, On, For | Until, Any, Receive>,
    options?: TypedWaitDetails<On, For, Until, Any, Receive>,
  ): Wait
}

/** Makes the command that waits: `return new Wait(this.ship, { receive: 'paid', for: '3d' })`. */
export const Wait: WaitConstructor = class {
  readonly step: StepRef | undefined
  readonly message: string | undefined
  readonly data: unknown
  readonly receive: string | undefined
  readonly until: number | undefined
  readonly for: number | undefined
  readonly on: Awaits | undefined

  constructor(step?: unknown, options: WaitDetails = {}) {
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
 * A step as a command names it. With `method` the class looks for that very function, and `name` is
 * only the name that the function has itself. A decorator may have given it another.
 */
export interface StepRef {
  readonly name: string
  readonly method: AnyMethod | undefined
}

function stepRef(step: unknown): StepRef {
  if (typeof step === 'function') return { name: step.name, method: step as AnyMethod }
  if (typeof step !== 'string' || step === '') {
    throw new TransitionError(
      'A step must be a method of the process, such as `this.check`, or its name. ' +
        `What was given (${typeof step}) can't be found again after a restart.`,
    )
  }
  if (!step.isWellFormed()) throw new TransitionError(`The name of a step ${textProblem(step)}`)
  return { name: step, method: undefined }
}

function timeOf(date: Date): number {
  const time = date instanceof Date ? date.getTime() : Number.NaN
  if (Number.isNaN(time)) throw new RangeError(`\`until\` is ${String(date)}: give a valid Date`)
  return time
}
