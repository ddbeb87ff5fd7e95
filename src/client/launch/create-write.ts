import type { Codec } from '../../bundle/codec.ts'
import type { ClassRow } from '../../persistence/contract/engines.ts'
import { encodeEvent } from '../../persistence/contract/event-codec.ts'
import type { Done, Outcome } from '../../persistence/contract/outcomes.ts'
import type { GroupPosition } from '../../persistence/contract/groups.ts'
import type { Create } from '../../persistence/contract/writes.ts'
import { namespaceCheck } from '../../ports/schema-check.ts'
import { LAST_DATE, milliseconds } from '../../shared/duration.ts'
import {
  AlreadyDone,
  InvalidStateError,
  KeyConflictError,
  LeaseLost,
  PortValidationError,
  ProcessKilled,
  ProcessLost,
} from '../../shared/errors.ts'
import { newPid } from '../../shared/ids.ts'
import type { Hosted } from '../../process/host/process-object.ts'
import { UNCHECKED_STATE } from '../../process/state/saved-state.ts'
import type { LaunchOptions } from '../../process/host/launch-options.ts'
import { storedRetention, type StoredRetention } from '../../process/host/retention.ts'
import { openPorts } from './upstream.ts'
import { launchRetry, type RetryOptions } from '../../spec/retry-policy.ts'

/**
 * The launcher: a caller outside any process, or the step of a process, whose claim must still
 * hold.
 */
export interface Launcher {
  readonly parent: string | null
  readonly parentFence: number | null
  /** Whether the pid is derived from the step that launches, so that only a child of this parent can have it. */
  readonly onlyOwn?: boolean
  /** The position of the process in a group. */
  readonly group?: GroupPosition | undefined
  /** The session of the caller, which retains what is launched with the retention `refs`. */
  readonly session?: string | undefined
}

export const BY_A_CALLER: Launcher = { parent: null, parentFence: null }

/** The options of a launch that are stored in the row. */
interface Launched {
  readonly key: string | null
  readonly label: string | null
  readonly worker: string | null
  readonly readyAt: number | null
  readonly deadline: number | null
  readonly abandoned: boolean
  readonly retention: StoredRetention | undefined
  readonly retainedBy: string | undefined
}

/**
 * Returns the write that makes a process durable (C2). The class has validated the inputs and filled in
 * the defaults; `deadlineAfter` is its own deadline, counted from the launch.
 *
 * @throws SerializationError with the path of an input that can't be saved (C10)
 * @throws RangeError for an invalid delay or deadline
 */
export function createWrite(
  process: Hosted,
  options: LaunchOptions,
  launcher: Launcher,
  deadlineAfter: number | undefined,
): Create {
  const { head, parts } = process.bundle()
  const createdAt = process.createdAt
  return {
    kind: 'create',
    pid: process.pid,
    className: head.class,
    version: head.version,
    createdAt,
    parent: launcher.parent,
    parentFence: launcher.parentFence,
    onlyOwn: launcher.onlyOwn,
    group: launcher.group,
    ...launched(options, launcher, createdAt, deadlineAfter),
    seq: head.seq,
    state: 'created',
    step: 'run',
    status: head.status ?? null,
    parts,
    claim: null,
    history: [encodeEvent('created')],
    ending: null,
  }
}

/**
 * Returns the retries that the options of a launch set.
 *
 * @throws SpecError for a wrong option
 */
export function retryOf({ retry }: LaunchOptions): RetryOptions | undefined {
  if (retry === undefined) return undefined
  launchRetry(retry)
  return typeof retry === 'number' ? { attempts: retry } : retry
}

function launched(
  options: LaunchOptions,
  { session }: Launcher,
  now: number,
  deadlineAfter: number | undefined,
): Launched {
  const { key = null, label = null, worker = null, delay, deadline, abandon = false, retention } = options
  const deadlines = [
    ...(deadline === undefined ? [] : [timeOf(deadline, now)]),
    ...(deadlineAfter === undefined ? [] : [now + deadlineAfter]),
  ].filter((time) => time <= LAST_DATE)
  return {
    key,
    label,
    worker,
    readyAt: delay === undefined ? null : now + milliseconds(delay),
    deadline: deadlines.length === 0 ? null : Math.min(...deadlines),
    abandoned: abandon,
    retention: storedRetention(retention),
    retainedBy: retention === 'refs' ? session : undefined,
  }
}

function timeOf(deadline: NonNullable<LaunchOptions['deadline']>, now: number): number {
  if (!(deadline instanceof Date)) return now + milliseconds(deadline)
  const time = deadline.getTime()
  if (Number.isNaN(time)) throw new RangeError('the deadline is an invalid Date')
  return time
}

/**
 * Returns the write for inputs that the class has not checked, because this program knows it only by
 * name, or because some values are still to come. Defaults and validators run when an engine that has
 * the class starts the process. `deadlineAfter` is the deadline of the class, if it is known.
 *
 * @throws SerializationError with the path of an input that can't be saved (C10)
 */
export function uncheckedWrite(
  described: Pick<ClassRow, 'name' | 'version'> & { readonly deadlineAfter?: number | null | undefined },
  inputs: Readonly<Record<string, unknown>>,
  now: number,
  options: LaunchOptions,
  launcher: Launcher,
  codec: Codec,
): Create {
  const retry = retryOf(options)
  return {
    kind: 'create',
    pid: options.pid ?? newPid(),
    className: described.name,
    version: described.version,
    createdAt: now,
    parent: launcher.parent,
    parentFence: launcher.parentFence,
    onlyOwn: launcher.onlyOwn,
    group: launcher.group,
    ...launched(options, launcher, now, described.deadlineAfter ?? undefined),
    seq: 0,
    state: 'created',
    step: 'run',
    status: null,
    parts: {
      state: UNCHECKED_STATE,
      inputs: codec.stringify(inputs, 'inputs'),
      ...(retry !== undefined && { launch: codec.stringify({ retry }, 'launch') }),
    },
    claim: null,
    history: [encodeEvent('created')],
    ending: null,
  }
}

/** @throws PortValidationError for inputs that do not match the registered schema */
export function checkByName(
  described: Pick<ClassRow, 'name' | 'inputs'>,
  inputs: Readonly<Record<string, unknown>> | undefined,
): void {
  const problems = inputs === undefined ? [] : checkOfClass(described)(inputs, openPorts(inputs))
  if (problems.length > 0) throw new PortValidationError(problems)
}

/**
 * Returns the outcome of a `Create` that was stored, or that found the process of its key or pid.
 *
 * @throws KeyConflictError, LeaseLost, ProcessKilled, InvalidStateError, or the store's own error
 */
export function requireCreated(create: Pick<Create, 'pid' | 'parent' | 'actor'>, outcome: Outcome): Done {
  switch (outcome.status) {
    case 'done':
      return outcome
    case 'refused':
      throw outcome.error
    case 'conflict':
      throw new KeyConflictError(`${outcome.reason}; nothing was launched`)
    case 'fenced':
    case 'held':
      throw new LeaseLost('another engine has taken over the launching process; no child was launched')
    case 'ended':
      if (create.actor !== undefined) throw stoppedError(create.actor)
      throw new ProcessKilled(
        create.parent ?? '',
        'the launching process has ended or is being killed; no child was launched',
      )
    case 'missing':
      if (outcome.needed !== undefined) throw notThere(create, outcome.needed)
      throw new InvalidStateError(
        `the launching process ${create.parent} is not in this store; no child was launched`,
      )
  }
}

/** The error for a call of an actor that accepts no more calls. */
export function stoppedError(actor: string): AlreadyDone {
  return new AlreadyDone(
    `the actor ${actor} was stopped or has ended, and takes no more calls: nothing was queued`,
  )
}

/** The error for a launch that refers to a process which does not exist. */
function notThere({ pid }: Pick<Create, 'pid'>, needed: string): ProcessLost {
  return new ProcessLost(
    needed,
    needed === pid
      ? `the process ${pid} would wait for its own end: its inputs or \`after\` refer to its own pid; nothing was launched`
      : `there is no process ${needed} in this store, and the inputs or \`after\` of the launch refer to it: the pid is wrong, it is another store, it is not launched yet, or it was pruned; nothing was launched`,
  )
}

const checks = new Map<string, { readonly of: string; readonly check: ReturnType<typeof namespaceCheck> }>()

/** Returns the check of a class's inputs. It is compiled again only if the registered schema has changed. */
function checkOfClass({
  name,
  inputs,
}: Pick<ClassRow, 'name' | 'inputs'>): ReturnType<typeof namespaceCheck> {
  const known = checks.get(name)
  if (known?.of === inputs) return known.check
  const check = namespaceCheck(JSON.parse(inputs) as object, 'inputs')
  checks.set(name, { of: inputs, check })
  return check
}
