/**
 * Every error that Damson throws, one class for each thing a caller can do about it.
 *
 * `instanceof` compares brands, so it also holds between two loaded copies of the package.
 */

const BRAND = Symbol.for('damson.error.brand')

interface Branded {
  readonly [BRAND]?: string
}

/** The base of all errors of this package. */
export class DamsonError extends Error {
  /** Stable, for programs: `PORT_VALIDATION`, `KEY_CONFLICT`, … */
  readonly code: string = 'DAMSON'

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    Object.defineProperty(this, 'name', {
      value: new.target.name,
      configurable: true,
      writable: true,
    })
  }

  static readonly [BRAND]: string = 'DamsonError'

  static override [Symbol.hasInstance](value: unknown): boolean {
    // A user's own subclass carries no brand of its own: only its real instances belong to it.
    if (!Object.hasOwn(this, BRAND)) return Function.prototype[Symbol.hasInstance].call(this, value)
    if (typeof value !== 'object' || value === null) return false
    const brand = (this as Branded)[BRAND]
    for (let at: unknown = value; at !== null; at = Object.getPrototypeOf(at)) {
      const made = (at as object).constructor as Branded | undefined
      if (made !== undefined && Object.hasOwn(made, BRAND) && made[BRAND] === brand) return true
    }
    return false
  }
}

/** One thing that is wrong with the values given to a process. */
export interface PortProblem {
  /** The dotted path from `inputs` or `outputs`, e.g. `inputs.relax.base.kpoints`. */
  readonly port: string
  readonly message: string
  /** What a validator threw. */
  readonly cause?: unknown
}

/** Inputs or outputs do not fit their ports. All problems are found at once. */
export class PortValidationError extends DamsonError {
  static override readonly [BRAND] = 'PortValidationError'
  override readonly code = 'PORT_VALIDATION'
  /** The port of the first problem. */
  readonly port: string
  readonly problems: readonly PortProblem[]

  constructor(problems: readonly PortProblem[], options?: ErrorOptions) {
    const thrown = problems.find(({ cause }) => cause !== undefined)
    super(problems.map(({ port, message }) => `${port}: ${message}`).join('\n'), options ?? thrown)
    this.port = problems[0]?.port ?? ''
    this.problems = problems
  }
}

/** A `define` is wrong, or a sealed spec was changed: the class has to be mended. */
export class SpecError extends DamsonError {
  static override readonly [BRAND] = 'SpecError'
  override readonly code = 'SPEC'
}

/** The process is not in a state in which this can be asked of it. */
export class InvalidStateError extends DamsonError {
  static override readonly [BRAND]: string = 'InvalidStateError'
  override readonly code: string = 'INVALID_STATE'
}

/** A transition that the state machine does not have, or one that failed on its way. */
export class TransitionError extends DamsonError {
  static override readonly [BRAND] = 'TransitionError'
  override readonly code = 'TRANSITION'
}

/** A process did not end well; `pid` says which. */
export class ProcessError extends DamsonError {
  static override readonly [BRAND]: string = 'ProcessError'
  override readonly code: string = 'PROCESS'
  readonly pid: string

  constructor(pid: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.pid = pid
  }
}

/** The process was killed. The message is the one given to `kill`. */
export class ProcessKilled extends ProcessError {
  static override readonly [BRAND] = 'ProcessKilled'
  override readonly code = 'PROCESS_KILLED'
}

/** The process threw; `cause` is what it threw. */
export class ProcessExcepted extends ProcessError {
  static override readonly [BRAND] = 'ProcessExcepted'
  override readonly code = 'PROCESS_EXCEPTED'
}

interface ExitCodeValue {
  readonly code: number
  readonly label: string
  readonly message: string
}

/** The process finished without success: with an exit code, or without outputs that its class requires. */
export class ProcessUnsuccessful extends ProcessError {
  static override readonly [BRAND] = 'ProcessUnsuccessful'
  override readonly code = 'PROCESS_UNSUCCESSFUL'
  /** The exit code that the process finished with, if it finished with one. */
  readonly exitCode: ExitCodeValue | undefined
  /** The dotted names of the required outputs that the process never emitted. */
  readonly missing: readonly string[]

  constructor(
    pid: string,
    message: string,
    exitCode: ExitCodeValue | undefined,
    missing: readonly string[],
    options?: ErrorOptions,
  ) {
    super(pid, message, options)
    this.exitCode = exitCode
    this.missing = missing
  }
}

/** A process that this one takes values from failed; `upstream` is its pid. */
export class UpstreamFailed extends ProcessError {
  static override readonly [BRAND] = 'UpstreamFailed'
  override readonly code = 'UPSTREAM_FAILED'
  readonly upstream: string

  constructor(pid: string, upstream: string, message: string, options?: ErrorOptions) {
    super(pid, message, options)
    this.upstream = upstream
  }
}

/** The process ended, but the value that was asked for was not emitted or is no longer kept. */
export class MissingResult extends ProcessError {
  static override readonly [BRAND] = 'MissingResult'
  override readonly code = 'MISSING_RESULT'
}

/** The store holds no such process: a wrong pid, another file, or it was pruned. */
export class ProcessLost extends ProcessError {
  static override readonly [BRAND] = 'ProcessLost'
  override readonly code = 'PROCESS_LOST'
}

/** The engine, client or store was closed; open it again. */
export class ClosedError extends DamsonError {
  static override readonly [BRAND] = 'ClosedError'
  override readonly code = 'CLOSED'
}

/** Something could not be saved or loaded. */
export class PersistenceError extends DamsonError {
  static override readonly [BRAND]: string = 'PersistenceError'
  override readonly code: string = 'PERSISTENCE'
}

/** A value can't be saved (C10); `path` says where it is, e.g. `ctx.jobs[3].callback`. */
export class SerializationError extends PersistenceError {
  static override readonly [BRAND] = 'SerializationError'
  override readonly code = 'SERIALIZATION'
  readonly path: string

  constructor(path: string, message: string, options?: ErrorOptions) {
    super(`${path}: ${message}`, options)
    this.path = path
  }
}

/** There is no checkpoint under that pid and tag. */
export class CheckpointNotFound extends PersistenceError {
  static override readonly [BRAND] = 'CheckpointNotFound'
  override readonly code = 'CHECKPOINT_NOT_FOUND'
}

/** A bundle is damaged, of a newer format, or of a version of its class that can't be lifted. */
export class IncompatibleBundle extends PersistenceError {
  static override readonly [BRAND] = 'IncompatibleBundle'
  override readonly code = 'INCOMPATIBLE_BUNDLE'
}

/** No class of that name is registered here. */
export class UnknownProcessClass extends DamsonError {
  static override readonly [BRAND] = 'UnknownProcessClass'
  override readonly code = 'UNKNOWN_PROCESS_CLASS'
}

/** Another engine has taken this process over (C4); what was done here since then does not count. */
export class LeaseLost extends DamsonError {
  static override readonly [BRAND] = 'LeaseLost'
  override readonly code = 'LEASE_LOST'
}

/** The key is in use by a process of another class or with other inputs. */
export class KeyConflictError extends DamsonError {
  static override readonly [BRAND] = 'KeyConflictError'
  override readonly code = 'KEY_CONFLICT'
}

/** A wait took longer than it was given; what was waited for goes on. */
export class WaitTimeout extends DamsonError {
  static override readonly [BRAND] = 'WaitTimeout'
  override readonly code = 'WAIT_TIMEOUT'
  /** The pids that had not ended. */
  readonly pending: readonly string[]
  /** How many were waited for. */
  readonly total: number

  constructor(message: string, pending: readonly string[], total: number, options?: ErrorOptions) {
    super(message, options)
    this.pending = pending
    this.total = total
  }
}

/** A step took longer than its `timeout`; it may be retried. */
export class StepTimeout extends DamsonError {
  static override readonly [BRAND] = 'StepTimeout'
  override readonly code = 'STEP_TIMEOUT'
}

/** The process did not end before its deadline. */
export class DeadlineExceeded extends DamsonError {
  static override readonly [BRAND] = 'DeadlineExceeded'
  override readonly code = 'DEADLINE_EXCEEDED'
}

/** Thrown by a step that must not be retried. */
export class NonRetryableError extends DamsonError {
  static override readonly [BRAND] = 'NonRetryableError'
  override readonly code = 'NON_RETRYABLE'
}

/** The process has not ended yet, so this is not known. */
export class NotReady extends InvalidStateError {
  static override readonly [BRAND] = 'NotReady'
  override readonly code = 'NOT_READY'
}

/** The process has ended, so this can't be asked of it any more. */
export class AlreadyDone extends InvalidStateError {
  static override readonly [BRAND] = 'AlreadyDone'
  override readonly code = 'ALREADY_DONE'
}

/** Several processes of a group failed; the message shows the first four. */
export class GroupError extends DamsonError {
  static override readonly [BRAND] = 'GroupError'
  override readonly code = 'GROUP'
  readonly errors: readonly ProcessError[]

  constructor(errors: readonly ProcessError[], options?: ErrorOptions) {
    const shown = errors.slice(0, 4).map((error) => `${error.pid}: ${error.message}`)
    if (errors.length > shown.length) shown.push(`and ${errors.length - shown.length} more`)
    super(`${errors.length} failed\n${shown.join('\n')}`, options)
    this.errors = errors
  }
}
