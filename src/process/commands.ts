import { TransitionError } from '../shared/errors.ts'

/**
 * What a step returns to choose the next state. Anything else that it returns is the result: the same as
 * `new Stop(result)`.
 */
export type Command = Continue | Wait | Stop | Kill

/** A step: a method of the process, `this.check`, or its name. Functions of any other kind can't be saved. */
export type Step = string | ((...args: never) => unknown)

/** Runs another step next. The arguments are saved with it. */
export class Continue {
  readonly step: StepRef
  readonly args: readonly unknown[]

  /** @throws TransitionError when `step` has no name; whether the process has it is looked at when it is returned */
  constructor(step: Step, ...args: readonly unknown[]) {
    this.step = stepRef(step)
    this.args = args
  }
}

export interface WaitDetails {
  /** Why it waits, for people. */
  readonly message?: string | undefined
  /** Whatever belongs to the wait; handed to `onWait` and saved. */
  readonly data?: unknown
}

/**
 * Waits until somebody resumes the process. The step is then called with `(value, wake)`; without a step the process finishes
 * with the value.
 */
export class Wait {
  readonly step: StepRef | undefined
  readonly message: string | undefined
  readonly data: unknown

  /** @throws TransitionError when `step` has no name */
  constructor(step?: Step, options: WaitDetails = {}) {
    this.step = step === undefined ? undefined : stepRef(step)
    this.message = options.message
    this.data = options.data
  }
}

export interface StopOptions {
  /** Default true; false with an exit code. */
  readonly successful?: boolean | undefined
  readonly exitCode?: ExitCodeInfo | undefined
}

/** What `exitCodes.NAME()` gives. */
export interface ExitCodeInfo {
  readonly code: number
  readonly label: string
  readonly message: string
}

/** Finishes the process. */
export class Stop {
  readonly result: unknown
  readonly successful: boolean
  readonly exitCode: ExitCodeInfo | undefined

  constructor(result?: unknown, options: StopOptions = {}) {
    this.result = result
    this.exitCode = options.exitCode
    this.successful = options.successful ?? (options.exitCode === undefined || options.exitCode.code === 0)
  }
}

/** Kills the process from within. */
export class Kill {
  readonly message: string | undefined

  constructor(message?: string) {
    this.message = message
  }
}

/** A result that counts as a failure: the same as `new Stop(result, { successful: false })`. */
export class UnsuccessfulResult {
  readonly result: unknown

  constructor(result?: unknown) {
    this.result = result
  }
}

/** A step as a command names it; `method` is there to make sure that the name finds that very function. */
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
  return { name, method: typeof step === 'function' ? step : undefined }
}
