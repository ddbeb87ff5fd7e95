/* This file is longer than 400 lines, because it has the class of every error. */
/**
 * All errors that Damson throws, one class for each reaction of a caller.
 *
 * `instanceof` compares brands, so it also works between two loaded copies of the package.
 */

const BRAND = Symbol.for('damson.error.brand')

interface Branded {
  readonly [BRAND]?: string
}

/** The base of all errors of this package. */
export class DamsonError extends Error {
  /** A stable code for programs: `PORT_VALIDATION`, `KEY_CONFLICT`, … */
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
    // A subclass of the user has no brand of its own, so only its real instances belong to it.
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

/** One problem of the values given to a process. */
export interface PortProblem {
  /** The dotted path from `inputs` or `outputs`, e.g. `inputs.relax.base.kpoints`. */
  readonly port: string
  readonly message: string
  /** The error that a validator threw. */
  readonly cause?: unknown
}

/** Inputs or outputs do not fit their ports. `problems` has all problems, not only the first. */
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

/** The `define` of a class is wrong, or a sealed spec was changed. Correct the class. */
export class SpecError extends DamsonError {
  static override readonly [BRAND] = 'SpecError'
  override readonly code = 'SPEC'
}

/** The state of the process does not allow this request. */
export class InvalidStateError extends DamsonError {
  static override readonly [BRAND]: string = 'InvalidStateError'
  override readonly code: string = 'INVALID_STATE'
}

/** The state machine does not have this transition, or the transition failed. */
export class TransitionError extends DamsonError {
  static override readonly [BRAND] = 'TransitionError'
  override readonly code = 'TRANSITION'
}

/** A process did not succeed. `pid` is its pid. */
export class ProcessError extends DamsonError {
  static override readonly [BRAND]: string = 'ProcessError'
  override readonly code: string = 'PROCESS'
  readonly pid: string

  constructor(pid: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.pid = pid
  }
}

/** The process was killed. The message is the message given to `kill`. */
export class ProcessKilled extends ProcessError {
  static override readonly [BRAND] = 'ProcessKilled'
  override readonly code = 'PROCESS_KILLED'
}

/** The process threw an error, which is the `cause`. */
export class ProcessExcepted extends ProcessError {
  static override readonly [BRAND] = 'ProcessExcepted'
  override readonly code = 'PROCESS_EXCEPTED'
}

interface ExitCodeValue {
  readonly code: number
  readonly label: string
  readonly message: string
}

/** The process finished without success: with an exit code, or without required outputs. */
export class ProcessUnsuccessful extends ProcessError {
  static override readonly [BRAND] = 'ProcessUnsuccessful'
  override readonly code = 'PROCESS_UNSUCCESSFUL'
  /** The exit code, if the process finished with one. */
  readonly exitCode: ExitCodeValue | undefined
  /** The dotted names of the required outputs that were not emitted. */
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

/** A process that this process takes values from failed. `upstream` is its pid. */
export class UpstreamFailed extends ProcessError {
  static override readonly [BRAND] = 'UpstreamFailed'
  override readonly code = 'UPSTREAM_FAILED'
  readonly upstream: string

  constructor(pid: string, upstream: string, message: string, options?: ErrorOptions) {
    super(pid, message, options)
    this.upstream = upstream
  }
}

/** The process ended, but the requested value was not emitted or is no longer kept. */
export class MissingResult extends ProcessError {
  static override readonly [BRAND] = 'MissingResult'
  override readonly code = 'MISSING_RESULT'
}

/**
 * The store has no such process: the pid is wrong, this is another store, or the process was
 * pruned.
 */
export class ProcessLost extends ProcessError {
  static override readonly [BRAND] = 'ProcessLost'
  override readonly code = 'PROCESS_LOST'
}

/** The engine, client or store is closed. Open it again. */
export class ClosedError extends DamsonError {
  static override readonly [BRAND] = 'ClosedError'
  override readonly code = 'CLOSED'
}

/** Something could not be saved or loaded. */
export class PersistenceError extends DamsonError {
  static override readonly [BRAND]: string = 'PersistenceError'
  override readonly code: string = 'PERSISTENCE'
}

/** A value can't be saved. `path` is the path to it, such as `ctx.jobs[3].callback`. */
export class SerializationError extends PersistenceError {
  static override readonly [BRAND] = 'SerializationError'
  override readonly code = 'SERIALIZATION'
  readonly path: string

  constructor(path: string, message: string, options?: ErrorOptions) {
    super(`${path}: ${message}`, options)
    this.path = path
  }
}

/** There is no group of this name in the store. */
export class GroupNotFound extends PersistenceError {
  static override readonly [BRAND] = 'GroupNotFound'
  override readonly code = 'GROUP_NOT_FOUND'
}

/** There is no checkpoint with that pid and tag. */
export class CheckpointNotFound extends PersistenceError {
  static override readonly [BRAND] = 'CheckpointNotFound'
  override readonly code = 'CHECKPOINT_NOT_FOUND'
}

/**
 * A bundle is damaged, has a newer format, or has a version of its class that can't be upgraded.
 */
export class IncompatibleBundle extends PersistenceError {
  static override readonly [BRAND] = 'IncompatibleBundle'
  override readonly code = 'INCOMPATIBLE_BUNDLE'
}

/** No class of that name is registered. */
export class UnknownProcessClass extends DamsonError {
  static override readonly [BRAND] = 'UnknownProcessClass'
  override readonly code = 'UNKNOWN_PROCESS_CLASS'
}

/**
 * Another engine has taken over this process. What this engine has done since then has no effect.
 */
export class LeaseLost extends DamsonError {
  static override readonly [BRAND] = 'LeaseLost'
  override readonly code = 'LEASE_LOST'
}

/** A process of another class or with other inputs already has this key. */
export class KeyConflictError extends DamsonError {
  static override readonly [BRAND] = 'KeyConflictError'
  override readonly code = 'KEY_CONFLICT'
}

interface GroupLaunchFacts {
  readonly group: string
  readonly position: number
  readonly launched: number
  readonly cause: unknown
}

/**
 * Some processes of a group were not launched; the `cause` is the reason. The processes launched
 * before stay, under the name of the group.
 */
export class GroupLaunchError extends DamsonError {
  static override readonly [BRAND] = 'GroupLaunchError'
  override readonly code = 'GROUP_LAUNCH'
  /** The name of the group. */
  readonly group: string
  /** The position of the inputs that failed, from 0. */
  readonly position: number
  /** The number of processes that are launched. */
  readonly launched: number

  constructor(message: string, { group, position, launched, cause }: GroupLaunchFacts) {
    super(message, { cause })
    this.group = group
    this.position = position
    this.launched = launched
  }
}

/** A wait took longer than its timeout. The processes keep running. */
export class WaitTimeout extends DamsonError {
  static override readonly [BRAND] = 'WaitTimeout'
  override readonly code = 'WAIT_TIMEOUT'
  /** The pids of the processes that had not ended. */
  readonly pending: readonly string[]
  /** The number of processes waited for. */
  readonly total: number

  constructor(message: string, pending: readonly string[], total: number, options?: ErrorOptions) {
    super(message, options)
    this.pending = pending
    this.total = total
  }
}

/** An attempt at a step took longer than its `timeout`. It may be retried. */
export class StepTimeout extends DamsonError {
  static override readonly [BRAND] = 'StepTimeout'
  override readonly code = 'STEP_TIMEOUT'
}

/** The process did not end before its deadline. */
export class DeadlineExceeded extends DamsonError {
  static override readonly [BRAND] = 'DeadlineExceeded'
  override readonly code = 'DEADLINE_EXCEEDED'
}

/** A step throws it to fail without a retry. */
export class NonRetryableError extends DamsonError {
  static override readonly [BRAND] = 'NonRetryableError'
  override readonly code = 'NON_RETRYABLE'
}

/** The process has not ended yet, so there is no result. */
export class NotReady extends InvalidStateError {
  static override readonly [BRAND] = 'NotReady'
  override readonly code = 'NOT_READY'
}

/** The process has ended, so it accepts no more requests. */
export class AlreadyDone extends InvalidStateError {
  static override readonly [BRAND] = 'AlreadyDone'
  override readonly code = 'ALREADY_DONE'
}

/** The actor has as many calls as it may have, and refused another one. */
export class MailboxFull extends DamsonError {
  static override readonly [BRAND] = 'MailboxFull'
  override readonly code = 'MAILBOX_FULL'
}

/** A message could not be sent, or got no answer. The message text names what was sent, and to whom. */
export class CommunicationError extends DamsonError {
  static override readonly [BRAND]: string = 'CommunicationError'
  override readonly code: string = 'COMMUNICATION'
}

/** No one answers under the recipient of an RPC, or no queue takes the task. Nothing was done. */
export class UnroutableError extends CommunicationError {
  static override readonly [BRAND] = 'UnroutableError'
  override readonly code = 'UNROUTABLE'
}

/** No answer came within the time limit. The message may still be handled. */
export class ResponseTimeout extends CommunicationError {
  static override readonly [BRAND] = 'ResponseTimeout'
  override readonly code = 'RESPONSE_TIMEOUT'
}

/** The connection was lost before the answer came. It is not known whether the message was handled. */
export class ConnectionLost extends CommunicationError {
  static override readonly [BRAND] = 'ConnectionLost'
  override readonly code = 'CONNECTION_LOST'
}

/** The other side failed or cancelled the request. The message is what it reported. */
export class RemoteException extends CommunicationError {
  static override readonly [BRAND] = 'RemoteException'
  override readonly code = 'REMOTE_EXCEPTION'
}

/** Another subscriber has this identifier. Choose another one, or remove that subscriber. */
export class DuplicateSubscriber extends CommunicationError {
  static override readonly [BRAND] = 'DuplicateSubscriber'
  override readonly code = 'DUPLICATE_SUBSCRIBER'
}

/** A subscriber throws it to leave a task to another subscriber. */
export class TaskRejected extends CommunicationError {
  static override readonly [BRAND] = 'TaskRejected'
  override readonly code = 'TASK_REJECTED'
}

/** Several processes of a group failed; the message shows the first four. */
export class GroupError extends DamsonError {
  static override readonly [BRAND]: string = 'GroupError'
  override readonly code: string = 'GROUP'
  readonly errors: readonly ProcessError[]

  constructor(
    errors: readonly ProcessError[],
    { heading = `${errors.length} failed`, ...options }: GroupErrorOptions = {},
  ) {
    const shown = errors.slice(0, 4).map((error) => `${error.pid}: ${error.message}`)
    if (errors.length > shown.length) shown.push(`and ${errors.length - shown.length} more`)
    super(`${heading}\n${shown.join('\n')}`, options)
    this.errors = errors
  }
}

interface GroupErrorOptions extends ErrorOptions {
  /** The first line of the message. */
  readonly heading?: string
}

/** A process that was made from an ended one. */
export interface Resubmitted {
  /** The pid of the ended process. */
  readonly from: string
  /** The pid of the new one. */
  readonly pid: string
}

/**
 * The store refused some processes of a list that was resubmitted, and took the others. Each of `errors`
 * has the pid of an ended process; resubmit those again once the cause is repaired.
 */
export class ResubmitError extends GroupError {
  static override readonly [BRAND] = 'ResubmitError'
  override readonly code = 'RESUBMIT'
  /** The processes that were resubmitted. */
  readonly resubmitted: readonly Resubmitted[]

  constructor(errors: readonly ProcessError[], resubmitted: readonly Resubmitted[]) {
    const [total, taken] = [errors.length + resubmitted.length, resubmitted.length]
    super(errors, {
      heading: `${errors.length} of ${total} were not resubmitted; the other ${taken} were, as ${named(resubmitted)}`,
    })
    this.resubmitted = resubmitted
  }
}

function named(resubmitted: readonly Resubmitted[]): string {
  const shown = resubmitted.slice(0, 4).map(({ pid }) => pid)
  if (resubmitted.length > shown.length) shown.push(`and ${resubmitted.length - shown.length} more`)
  return shown.join(', ')
}
