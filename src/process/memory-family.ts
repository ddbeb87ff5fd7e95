import { isDeepStrictEqual } from 'node:util'
import { alarm, type Clock } from '../shared/clock.ts'
import { milliseconds, type Duration } from '../shared/duration.ts'
import { DeadlineExceeded, KeyConflictError } from '../shared/errors.ts'
import type { AnyProcessClass, LaunchOptions } from './handle.ts'
import type { Host } from './host.ts'
import { LocalHandle } from './local-handle.ts'
import { construct, hosted, type Process } from './process.ts'
import { outOfScope } from './scope.ts'

type Inputs = Readonly<Record<string, unknown>> | undefined

interface Child {
  readonly process: Process
  readonly processClass: AnyProcessClass
  readonly handle: LocalHandle
  readonly abandoned: boolean
}

/** What a process in memory has launched. */
export class MemoryFamily {
  readonly #parent: Process
  readonly #host: Host
  readonly #children = new Map<string, Child>()
  readonly #keyed = new Map<string, Child>()
  /** The step that launched last, by its number, and what it has launched, by class and in order. */
  #step = -1
  readonly #launched = new Map<AnyProcessClass, Child[]>()
  /** How many of each class this attempt at the step has launched. */
  readonly #counts = new Map<AnyProcessClass, number>()

  constructor(parent: Process, host: Host) {
    this.#parent = parent
    this.#host = host
  }

  /** The children that what is asked of the parent reaches. */
  *reached(): Iterable<Process> {
    for (const { process, abandoned } of this.#children.values()) if (!abandoned) yield process
  }

  find(pid: string): LocalHandle | undefined {
    return this.#children.get(pid)?.handle
  }

  /** The step is to be begun again: what it launches then is what it has launched. */
  again(): void {
    this.#counts.clear()
  }

  /**
   * Starts a child, or finds the one that was launched with that key or pid, or in an earlier attempt at the step; one that ended
   * unsuccessfully in such is launched anew.
   *
   * @throws KeyConflictError where that has another class or other inputs
   */
  launch(processClass: AnyProcessClass, inputs: Inputs, options: LaunchOptions): LocalHandle {
    const { key, pid } = options
    const named =
      (key === undefined ? undefined : this.#keyed.get(key)) ??
      (pid === undefined ? undefined : this.#children.get(pid))
    const { launched, index } = this.#place(processClass)
    const known = named ?? launched[index]
    if (known !== undefined && (named !== undefined || !hasFailed(known))) {
      assertSame(known, processClass, inputs)
      return known.handle
    }
    const child = this.#start(processClass, inputs, options)
    launched[index] = child
    if (key !== undefined) this.#keyed.set(key, child)
    return child.handle
  }

  /** Where the next child of this class stands among those of its step, in each attempt at that. */
  #place(processClass: AnyProcessClass): { readonly launched: Child[]; readonly index: number } {
    const { number } = hosted(this.#parent).stepKey
    if (number !== this.#step) {
      this.#step = number
      this.#launched.clear()
      this.#counts.clear()
    }
    const index = this.#counts.get(processClass) ?? 0
    this.#counts.set(processClass, index + 1)
    let launched = this.#launched.get(processClass)
    if (launched === undefined) this.#launched.set(processClass, (launched = []))
    return { launched, index }
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
    const process = construct(processClass, inputs, { pid, logger: parent.logger, host: this.#host, retry })
    const child = { process, processClass, handle: new LocalHandle(process, clock), abandoned: abandon }
    this.#children.set(process.pid, child)
    if (signal !== undefined) killedBy(signal, process)
    if (endsAt !== undefined) expireAt(process, endsAt, clock)
    const { pausedWith } = hosted(parent)
    if (pausedWith !== undefined && !abandon) hosted(process).pause(pausedWith.message)
    // How it ended is told by the handle.
    const run = (): void => void process.stepUntilTerminated().catch(() => {})
    outOfScope(() => {
      if (startsAt === undefined) setImmediate(run)
      else process.addCleanup(alarm(clock, startsAt, run))
    })
    return child
  }
}

/** Excepts a process at its deadline. */
export function expireAt(process: Process, time: number, clock: Clock): void {
  if (time === Infinity) return
  const error = new DeadlineExceeded(
    `process ${process.pid} had not ended at its deadline, ${new Date(time).toISOString()}`,
  )
  process.addCleanup(alarm(clock, time, () => hosted(process).expire(error)))
}

function killedBy(signal: AbortSignal, process: Process): void {
  const kill = (): void => void process.kill(String(signal.reason))
  if (signal.aborted) {
    kill()
    return
  }
  signal.addEventListener('abort', kill, { once: true })
  process.addCleanup(() => signal.removeEventListener('abort', kill))
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

/** A deadline in wall-clock milliseconds. @throws RangeError for one that is none */
function timeOf(deadline: Date | Duration, clock: Clock): number {
  if (!(deadline instanceof Date)) return clock.now() + milliseconds(deadline)
  const time = deadline.getTime()
  if (Number.isNaN(time)) throw new RangeError('the deadline is an invalid Date')
  return time
}
