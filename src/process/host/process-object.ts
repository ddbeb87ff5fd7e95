import type { AbortSignal } from '../../shared/abort-signal.ts'
import type { EventEmitter } from 'eventemitter3'
import type { Bundle, SAVE } from '../../bundle/bundle.ts'
import type { Definable } from '../../spec/process-spec.ts'
import type { Logger } from '../../shared/logger.ts'
import type { PruneOptions } from '../../spec/prune-policy.ts'
import type { ExitCodeInfo } from '../state/commands.ts'
import type { ProcessState } from '../state/process-state.ts'
import type { Report } from '../state/report.ts'
import type { KeptSignal, StepWait, WakeUp } from '../state/transition.ts'
import type { ProcessEventMap } from './events.ts'
import type { Broadcast } from './remote.ts'
import type { StatusInfo } from './process-types.ts'

/** The member under this symbol gives the host access to a process. */
export const HOSTED: unique symbol = Symbol('damson.hosted')

/** A process as hosts, handles and events see it, whatever its class. */
export interface ProcessObject {
  readonly pid: string
  readonly creationTime: Date
  readonly state: ProcessState
  readonly paused: boolean
  readonly status: string | undefined
  readonly attempt: number
  readonly inputs: unknown
  readonly rawInputs: Readonly<Record<string, unknown>> | undefined
  readonly outputs: Readonly<Record<string, unknown>>
  /** What the process keeps between its steps. */
  ctx: object
  readonly logger: Logger
  readonly signal: AbortSignal
  readonly isSuccessful: boolean
  readonly isKilling: boolean
  readonly exitCode: ExitCodeInfo | undefined
  hasTerminated(): boolean
  result(): unknown
  future(): Promise<unknown>
  getStatusInfo(): StatusInfo
  step(): Promise<void>
  stepUntilTerminated(): Promise<void>
  pause(message?: string): Promise<boolean>
  play(): Promise<boolean>
  kill(message?: string, options?: { readonly force?: boolean | undefined }): Promise<boolean>
  resume(value?: unknown): Promise<boolean>
  sendSignal(name: string, ...payload: readonly unknown[]): Promise<void>
  messageReceive(message: unknown): unknown
  broadcastReceive(broadcast: Broadcast): unknown
  addCleanup(cleanup: () => unknown): void
  close(): Promise<void>
  saveInstanceState(bundle: Record<string, unknown>): void
  loadInstanceState(bundle: Readonly<Record<string, unknown>>): void
  encodeInputArgs(inputs: Readonly<Record<string, unknown>>): unknown
  decodeInputArgs(encoded: unknown): Readonly<Record<string, unknown>>
  readonly [HOSTED]: Hosted
  [SAVE](): Bundle
}

/** Any process class. `never` admits every constructor. */
export type AnyProcessClass = Definable & (abstract new (...args: never) => ProcessObject)

/** What the static side of a process class declares. */
export interface ProcessClass extends Definable {
  readonly name: string
  readonly processName: string
  readonly version: number
  readonly persisted: readonly string[]
  readonly prune?: PruneOptions | undefined
  readonly prototype: object
}

/** What a process has reported, for its host. */
export interface HostedReports {
  /** How many characters of the log and of events the host has not taken yet. */
  readonly pending: number
  /** Whether the host has taken all. */
  readonly isEmpty: boolean
  /** Takes what was reported since the last call; undefined if there is nothing. */
  take(): Report | undefined
  /** Takes a report back that could not be stored. */
  putBack(report: Report): void
}

/** What a host may do with a process that it runs, beyond the public members. */
export interface Hosted {
  readonly pid: string
  /** The process itself. */
  readonly process: ProcessObject
  /** When the process was created, in wall-clock milliseconds. */
  readonly createdAt: number
  readonly state: ProcessState
  readonly paused: boolean
  readonly events: EventEmitter<ProcessEventMap<ProcessObject>>
  /** Aborts as `process.signal` does. */
  readonly signal: AbortSignal
  /** The bundle of the process as it is now. */
  bundle(): Bundle
  /** The logger that the process was given. What it writes is not stored with the process. */
  readonly logger: Logger
  /** What the process has reported; undefined while it has reported nothing. */
  readonly reports: HostedReports | undefined
  /** Replaces the inputs of the process with those of its bundle, which was made before. */
  holdSaved(): void
  /**
   * Keeps the number of the running step, which may have begun before in a program that crashed,
   * through the next commit: by it an effect that runs again has the same key (C6).
   */
  keepStepNumber(): void
  /**
   * Sets `ctx` and the persisted members of a process that was just constructed from its bundle.
   */
  restoreMembers(): void
  /**
   * Steps until there is nothing to do, or until `goOn`, which is called between transitions,
   * returns false. Rejects as `step()` does.
   */
  run(goOn: () => boolean): Promise<void>
  /**
   * Whether `step()` has nothing to do: the process has ended, is paused, or waits and nothing has
   * woken it.
   */
  readonly idle: boolean
  /**
   * Notifies the process of a stored pause. The pause takes effect at the next step boundary, and
   * at once in a step that only waits; `play` cancels it. With `waits` the store reports that the
   * process waits and is paused there, whatever the process itself knows.
   */
  pause(message?: string, options?: { readonly waits?: boolean }): void
  play(): void
  /**
   * Aborts `process.signal`. The command of the step is dropped and the process goes to `killed`.
   * `force` does not wait for the step.
   */
  kill(message?: string, options?: { readonly force?: boolean | undefined }): void
  /**
   * Wakes a waiting process: the next `step()` continues with this value. The end of other
   * processes wakes it without a value; the process fetches that.
   */
  wake(value: unknown, wake: WakeUp): void
  /** The pause that the process is in, or that was requested. */
  readonly pausedWith: { readonly message: string | undefined } | undefined
  /**
   * Notifies the process that a signal of that name is kept for it. A step that waits for the
   * signal looks for it.
   */
  signalled(name: string): void
  /** Whether the class has hooks, which run before and after its transitions are committed. */
  readonly hooked: boolean
  /** Whether the step only waits (`Host.suspend`). */
  readonly suspended: boolean
  /** The number of the current or next attempt at the step of the present state. */
  readonly attempt: number
  /**
   * Identifies the running step. The keys of its effects and the pids of its children are derived
   * from it. It is the same for each attempt.
   */
  readonly stepKey: { readonly pid: string; readonly number: number }
  /** The text of an entry of the step's record; undefined if there is none. */
  recorded(entry: string): string | undefined
  /** All entries of the step's record: names and texts. */
  records(): Iterable<readonly [entry: string, text: string]>
  /**
   * Runs a wait of the step's flow. A pause holds the wait up and a kill ends it (`Host.suspend`).
   * Outside a step it only runs `work`.
   */
  waits<T>(wait: StepWait, work: () => Promise<T>): Promise<T>
  /** For a host that stores nothing: keeps a signal in the process. */
  post(name: string, value: unknown): KeptSignal
  /** The oldest signal of that name that the process itself keeps. */
  mail(signal: string): KeptSignal | undefined
  dropMail(id: number): void
  /** The signal that the present wait is for. */
  readonly receives: string | undefined
  /**
   * The outputs as `handle.outputs.all()` returns them, once the process has ended. @throws
   * ProcessUnsuccessful
   */
  outputs(raiseOnFailure: boolean): unknown
  /**
   * Excepts the process with this error, because its deadline has passed. Does not wait for its
   * step.
   */
  expire(error: Error): void
  /** Does what follows a play, for a process that was played while nothing ran it. */
  played(): void
  /**
   * Aborts `process.signal` with this reason (`LeaseLost`, shutdown). Nothing of the process is
   * committed after that, and a `step()` in progress rejects with the reason at once, even if its
   * step hangs.
   */
  detach(reason: Error): void
}
