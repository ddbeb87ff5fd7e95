import { isDeepStrictEqual } from 'node:util'
import { onAbort } from '../../shared/abort.ts'
import { alarm, type Clock } from '../../shared/clock.ts'
import { milliseconds, type Duration } from '../../shared/duration.ts'
import { DeadlineExceeded, KeyConflictError, SerializationError } from '../../shared/errors.ts'
import type { AnyProcessClass, Hosted, ProcessObject } from '../host/process-object.ts'
import type { LaunchOptions } from '../host/launch-options.ts'
import type { Host, MissingChild } from '../host/host.ts'
import { MemoryHandle } from '../handle/memory-handle.ts'
import { construct } from '../host/construction.ts'
import { outsideProcess } from '../step/current-process.ts'
import { setImmediate } from '../../shared/timers.ts'

type Inputs = Readonly<Record<string, unknown>> | undefined

interface Child {
  readonly hosted: Hosted
  readonly process: ProcessObject
  readonly processClass: AnyProcessClass
  readonly handle: MemoryHandle
  readonly abandoned: boolean
}

/** The children of a process in memory. */
export class MemoryChildren {
  readonly #parent: Hosted
  readonly #host: Host
  readonly #children = new Map<string, Child>()
  readonly #keyed = new Map<string, Child>()
  /** The number of the step that launched last. */
  #step = -1
  /**
   * The children that this step launched in any of its attempts, by what distinguishes its
   * launches.
   */
  readonly #launched = new Map<string, Child>()
  /** The launches of the present attempt. */
  readonly #found = new Set<string>()
  /** The number of equal launches in the present attempt. */
  readonly #counts = new Map<string, number>()
  readonly #classes = new Map<AnyProcessClass, number>()
  #isAgain = false

  constructor(parent: Hosted, host: Host) {
    this.#parent = parent
    this.#host = host
  }

  /** The children that requests to the parent reach. */
  *reached(): Iterable<Hosted> {
    for (const { hosted, abandoned } of this.#children.values()) if (!abandoned) yield hosted
  }

  find(pid: string): MemoryHandle | undefined {
    return this.#children.get(pid)?.handle
  }

  /**
   * Call it before the step runs again. Its launches then find the children that it launched
   * before.
   */
  again(): void {
    this.#counts.clear()
    this.#found.clear()
    this.#isAgain = true
  }

  /**
   * The children that the step launched before and has not launched in this attempt, except those
   * that ended without success; undefined in its first attempt.
   */
  missing(): readonly MissingChild[] | undefined {
    if (!this.#isAgain || this.#parent.stepKey.number !== this.#step) return undefined
    const missing: MissingChild[] = []
    for (const [launchKey, child] of this.#launched) {
      if (this.#found.has(launchKey) || hasFailed(child) || child.process.isKilling) continue
      missing.push({ pid: child.handle.pid, className: child.handle.name })
    }
    return missing
  }

  /**
   * Starts a child, or finds the child that was launched with that key or pid, or with the same
   * inputs in an earlier attempt at the step. A child of an earlier attempt that ended
   * unsuccessfully is launched again.
   *
   * @throws KeyConflictError if the child that was found has another class or other inputs
   */
  launch(
    processClass: AnyProcessClass,
    inputs: Inputs,
    options: LaunchOptions,
    branch: string,
  ): MemoryHandle {
    const { key, pid } = options
    // A child with a given pid is found by its pid.
    const launchKey = pid === undefined ? this.#launchKey(processClass, inputs, branch) : undefined
    const named =
      (key === undefined ? undefined : this.#keyed.get(key)) ??
      (pid === undefined ? undefined : this.#children.get(pid))
    const known = named ?? (launchKey === undefined ? undefined : this.#launched.get(launchKey))
    if (known !== undefined && (named !== undefined || !hasFailed(known))) {
      assertSame(known, processClass, inputs)
      return known.handle
    }
    const child = this.#start(processClass, inputs, options)
    if (launchKey !== undefined) this.#launched.set(launchKey, child)
    if (key !== undefined) this.#keyed.set(key, child)
    return child.handle
  }

  /**
   * What distinguishes a launch from the other launches of the step, the same in each attempt.
   * Equal launches are numbered.
   */
  #launchKey(processClass: AnyProcessClass, inputs: Inputs, branch: string): string {
    const { number } = this.#parent.stepKey
    if (number !== this.#step) {
      this.#step = number
      this.#launched.clear()
      this.#counts.clear()
      this.#found.clear()
      this.#isAgain = false
    }
    let ofClass = this.#classes.get(processClass)
    if (ofClass === undefined) this.#classes.set(processClass, (ofClass = this.#classes.size))
    const launch = JSON.stringify([branch, ofClass, this.#textOf(inputs)])
    const count = (this.#counts.get(launch) ?? 0) + 1
    this.#counts.set(launch, count)
    const launchKey = `${count} ${launch}`
    this.#found.add(launchKey)
    return launchKey
  }

  /** Launches whose inputs can't be saved are distinguished by their class alone. */
  #textOf(inputs: Inputs): string | undefined {
    try {
      return this.#host.codec.stringify(inputs ?? {}, 'inputs')
    } catch (error) {
      if (error instanceof SerializationError) return undefined
      throw error
    }
  }

  #start(
    processClass: AnyProcessClass,
    inputs: Inputs,
    { pid, signal, retry, delay, deadline, abandon = false }: LaunchOptions,
  ): Child {
    const { clock } = this.#host
    const parent = this.#parent
    const startsAt = delay === undefined ? undefined : clock.now() + milliseconds(delay)
    const endsAt = deadline === undefined ? undefined : timeOf(deadline, clock)
    const { logger } = parent
    const hosted = construct(processClass, inputs, { pid, logger, host: this.#host, retry })
    const { process } = hosted
    const child = {
      hosted,
      process,
      processClass,
      handle: new MemoryHandle(process, this.#host),
      abandoned: abandon,
    }
    this.#children.set(process.pid, child)
    if (signal !== undefined) killedBy(signal, process)
    if (endsAt !== undefined) expireAt(hosted, endsAt, clock)
    const { pausedWith } = parent
    if (pausedWith !== undefined && !abandon) hosted.pause(pausedWith.message)
    // The handle reports how the process ended.
    const run = (): void => void process.stepUntilTerminated().catch(() => {})
    outsideProcess(() => {
      if (startsAt === undefined) setImmediate(run)
      else process.addCleanup(alarm(clock, startsAt, run))
    })
    return child
  }
}

/** Excepts a process at its deadline. */
export function expireAt(hosted: Hosted, time: number, clock: Clock): void {
  if (time === Infinity) return
  const error = new DeadlineExceeded(
    `process ${hosted.pid} had not ended at its deadline, ${new Date(time).toISOString()}`,
  )
  hosted.process.addCleanup(alarm(clock, time, () => hosted.expire(error)))
}

function killedBy(signal: AbortSignal, process: ProcessObject): void {
  const kill = (): void => void process.kill(String(signal.reason))
  if (signal.aborted) {
    kill()
    return
  }
  process.addCleanup(onAbort(signal, kill))
}

function hasFailed({ process }: Child): boolean {
  return process.hasTerminated() && !process.isSuccessful
}

function assertSame(known: Child, processClass: AnyProcessClass, inputs: Inputs): void {
  const same =
    known.processClass === processClass && isDeepStrictEqual(known.process.rawInputs ?? {}, inputs ?? {})
  if (same) return
  const { pid, name } = known.handle
  throw new KeyConflictError(
    `what is launched here has been launched before: the process ${pid} (${name}), which has another class or other inputs`,
  )
}

/** A deadline in wall-clock milliseconds. @throws RangeError for an invalid date */
function timeOf(deadline: Date | Duration, clock: Clock): number {
  if (!(deadline instanceof Date)) return clock.now() + milliseconds(deadline)
  const time = deadline.getTime()
  if (Number.isNaN(time)) throw new RangeError('the deadline is an invalid Date')
  return time
}
