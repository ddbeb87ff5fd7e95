import { registeredName } from '../bundle/loader.ts'
import type { AnyProcessClass } from '../process/host/process-object.ts'
import type { ProcessState } from '../process/state/process-state.ts'
import { isProcessState } from '../process/state/process-state.ts'
import { elapsed, pause } from '../shared/timers.ts'
import { milliseconds, type Duration } from '../shared/duration.ts'
import { ConnectionLost, RemoteException, UnroutableError } from '../shared/errors.ts'
import { isJsonObject } from '../shared/json.ts'
import { checkOptions, isDuration, isFlag, type OptionNames } from '../shared/options.ts'
import { checkText, wellFormed } from '../shared/text.ts'
import type { LaunchInputsOf, PartialOutputsOf, SelfTyped } from '../spec/typing.ts'
import { RPC_TIMEOUT } from './contract/answering.ts'
import type { Communicator } from './contract/communicator.ts'
import { Uuid } from './contract/message-value.ts'
import { continueTask, launchTask, type LaunchArgs } from './process-tasks.ts'

/** How long the side that answers may take to come back after a lost connection, in milliseconds. */
const RETURN_LIMIT = 15_000
const RETURN_PAUSE = 200

/** The pid of a process. Python programs may also use numbers and UUIDs. */
export type RemotePid = string | number | Uuid

/** The limits of a request to a remote process. */
export interface RemoteOptions {
  /** How long to wait for the answer. Default one minute, and one hour for the outputs of a process. */
  readonly timeout?: Duration | undefined
}

/** Options of `killProcess`. */
export interface RemoteKillOptions extends RemoteOptions {
  /** Whether the kill does not wait for the running step. Default false. */
  readonly force?: boolean | undefined
}

/** Options of `launchProcess` and `executeProcess`. */
export interface RemoteLaunchOptions extends RemoteOptions {
  /** The pid of the new process. Default: a new one. */
  readonly pid?: string | undefined
  /** Whether to resolve to the pid at once. Default false. */
  readonly nowait?: boolean | undefined
  /** Whether a Python launcher is to save the process. Damson saves every process. Default false. */
  readonly persist?: boolean | undefined
}

/** Options of `continueProcess`. */
export interface RemoteContinueOptions extends RemoteOptions {
  /** Whether to resolve to the pid at once. Default false. */
  readonly nowait?: boolean | undefined
  /** The tag of the checkpoint from which a Python launcher continues. Damson's launcher refuses one. */
  readonly tag?: string | undefined
}

/** What a remote process answers to `getStatus`. */
export interface RemoteStatus {
  readonly state: ProcessState
  readonly paused: boolean
  readonly creationTime: Date
  /** The process as text, for people. */
  readonly processString: string
}

const REMOTE: OptionNames<RemoteOptions> = { timeout: isDuration }
const KILL: OptionNames<RemoteKillOptions> = { ...REMOTE, force: isFlag }
const LAUNCH: OptionNames<RemoteLaunchOptions> = { ...REMOTE, pid: true, nowait: isFlag, persist: isFlag }
const CONTINUE: OptionNames<RemoteContinueOptions> = { ...REMOTE, nowait: isFlag, tag: true }

/**
 * Controls processes that others run, over a communicator. They may be Damson's or Python's. If the
 * connection is lost during a request that may be made twice, the request is made again.
 */
export class RemoteProcessController {
  readonly #communicator: Communicator

  /** Never closes the communicator. */
  constructor(communicator: Communicator) {
    this.#communicator = communicator
  }

  /**
   * Returns the status of a process.
   *
   * @throws UnroutableError if no one runs or keeps an unfinished process of this pid
   * @throws ConnectionLost if the connection was lost before the answer, and no one answers afterwards: the
   *   request may have taken effect
   * @throws ResponseTimeout, RemoteException
   */
  async getStatus(pid: RemotePid, options: RemoteOptions = {}): Promise<RemoteStatus> {
    checkOptions(options, REMOTE, 'getStatus')
    return statusOf(pid, await this.#ask(pid, { intent: 'status' }, options))
  }

  /**
   * Pauses a process. Resolves to true once the pause is stored, or of a Python process once it is
   * paused, and to false if it has ended.
   *
   * @throws as `getStatus`
   */
  async pauseProcess(pid: RemotePid, message?: string, options: RemoteOptions = {}): Promise<boolean> {
    checkOptions(options, REMOTE, 'pauseProcess')
    return (await this.#ask(pid, { intent: 'pause', message: textOf(message) }, options)) === true
  }

  /** Plays a process. False if it has ended. @throws as `getStatus` */
  async playProcess(pid: RemotePid, options: RemoteOptions = {}): Promise<boolean> {
    checkOptions(options, REMOTE, 'playProcess')
    return (await this.#ask(pid, { intent: 'play', message: null }, options)) === true
  }

  /** Kills a process. True once the kill is stored, false if it has ended. @throws as `getStatus` */
  async killProcess(pid: RemotePid, message?: string, options: RemoteKillOptions = {}): Promise<boolean> {
    checkOptions(options, KILL, 'killProcess')
    const { force = false, timeout } = options
    const asked = { intent: 'kill', message: textOf(message), force_kill: force }
    return (await this.#ask(pid, asked, { timeout })) === true
  }

  /** Pauses all processes that receive the broadcast. No one answers it. */
  async pauseAll(message?: string): Promise<void> {
    await this.#communicator.broadcastSend(textOf(message), { subject: 'pause' })
  }

  /** Plays all processes that receive the broadcast. */
  async playAll(): Promise<void> {
    await this.#communicator.broadcastSend(null, { subject: 'play' })
  }

  /** Kills all processes that receive the broadcast. */
  async killAll(message?: string, options: { readonly force?: boolean | undefined } = {}): Promise<void> {
    checkOptions(options, { force: isFlag }, 'killAll')
    const body = { intent: 'kill', message: textOf(message), force_kill: options.force ?? false }
    await this.#communicator.broadcastSend(body, { subject: 'kill' })
  }

  /**
   * Makes some launcher launch a process. Resolves to its outputs once it has finished; with
   * `nowait` to its pid. Inputs are sent as plain values, and checked by the launcher.
   *
   * @throws RemoteException for a class or inputs that the launcher refuses, and if the process fails
   * @throws ResponseTimeout; the task stays queued
   */
  async launchProcess<C extends AnyProcessClass | string>(
    processClass: C & SelfTyped<C>,
    inputs: RemoteInputs<C> | undefined,
    options: RemoteLaunchOptions & { readonly nowait: true },
  ): Promise<string>
  async launchProcess<C extends AnyProcessClass | string>(
    processClass: C & SelfTyped<C>,
    ...args: RemoteLaunchArgs<C>
  ): Promise<RemoteOutputs<C>>
  async launchProcess(
    processClass: AnyProcessClass | string,
    inputs?: object,
    options: RemoteLaunchOptions = {},
  ): Promise<unknown> {
    const { args, timeout, nowait } = this.#launching('launchProcess', processClass, inputs, options)
    const answer = await this.#communicator.taskSend(launchTask('launch', args, nowait), { timeout })
    return nowait ? pidText(answer) : answer
  }

  /**
   * Makes one launcher create a process, and one, perhaps another, continue it. Resolves as
   * `launchProcess` does.
   */
  async executeProcess<C extends AnyProcessClass | string>(
    processClass: C & SelfTyped<C>,
    inputs: RemoteInputs<C> | undefined,
    options: RemoteLaunchOptions & { readonly nowait: true },
  ): Promise<string>
  async executeProcess<C extends AnyProcessClass | string>(
    processClass: C & SelfTyped<C>,
    ...args: RemoteLaunchArgs<C>
  ): Promise<RemoteOutputs<C>>
  async executeProcess(
    processClass: AnyProcessClass | string,
    inputs?: object,
    options: RemoteLaunchOptions = {},
  ): Promise<unknown> {
    const { args, timeout, nowait } = this.#launching('executeProcess', processClass, inputs, options)
    const created = launchTask('create', { ...args, persist: true }, true)
    const pid = await this.#communicator.taskSend(created, { timeout })
    const answer = await this.#communicator.taskSend(continueTask(pid, null, nowait), { timeout })
    return nowait ? pidText(answer) : answer
  }

  /** Makes some launcher continue a stored process. Resolves as `launchProcess` does. */
  async continueProcess(
    pid: RemotePid,
    options: RemoteContinueOptions & { readonly nowait: true },
  ): Promise<string>
  async continueProcess(
    pid: RemotePid,
    options?: RemoteContinueOptions & { readonly nowait?: false | undefined },
  ): Promise<Readonly<Record<string, unknown>>>
  async continueProcess(pid: RemotePid, options: RemoteContinueOptions = {}): Promise<unknown> {
    checkOptions(options, CONTINUE, 'continueProcess')
    const { tag, nowait = false, timeout } = options
    if (tag !== undefined) checkText('continueProcess: the tag', tag)
    const answer = await this.#communicator.taskSend(continueTask(pid, tag ?? null, nowait), { timeout })
    return nowait ? pidText(answer) : answer
  }

  #launching(
    where: string,
    processClass: AnyProcessClass | string,
    inputs: object | undefined,
    options: RemoteLaunchOptions,
  ): { readonly args: LaunchArgs; readonly timeout: Duration | undefined; readonly nowait: boolean } {
    checkOptions(options, LAUNCH, where)
    const { pid, persist = false, nowait = false, timeout } = options
    if (pid !== undefined) checkText(`${where}: the pid`, pid)
    const name = typeof processClass === 'string' ? processClass : registeredName(processClass)
    checkText(`${where}: the class`, name)
    const given = inputs as Readonly<Record<string, unknown>> | undefined
    return { args: { processClass: name, inputs: given, pid, persist }, timeout, nowait }
  }

  /**
   * Repeats the request if the connection was lost. A repeated request does no harm. Until the side that
   * answers has a connection again too, no one answers the repetition.
   */
  async #ask(pid: RemotePid, message: unknown, { timeout = RPC_TIMEOUT }: RemoteOptions): Promise<unknown> {
    const end = elapsed() + milliseconds(timeout)
    let lost: { readonly error: ConnectionLost; readonly at: number } | undefined
    for (;;) {
      try {
        const left = Math.max(0, end - elapsed())
        return await this.#communicator.rpcSend(String(pid), message, { timeout: left })
      } catch (error) {
        if (error instanceof ConnectionLost && elapsed() < end) lost = { error, at: elapsed() }
        else if (!(error instanceof UnroutableError) || lost === undefined) throw error
        else if (elapsed() + 2 * RETURN_PAUSE < Math.min(end, lost.at + RETURN_LIMIT))
          await pause(RETURN_PAUSE)
        else
          throw new ConnectionLost(
            `the connection was lost before ${JSON.stringify(String(pid))} had answered, and no one answers RPCs to it now; the request may have taken effect`,
            { cause: lost.error },
          )
      }
    }
  }
}

/** The inputs of a launch over a communicator. Values are sent, and no references. */
export type RemoteInputs<C> = C extends string ? Readonly<Record<string, unknown>> : LaunchInputsOf<C>

/** The arguments of a launch over a communicator after the class. */
export type RemoteLaunchArgs<C> =
  {} extends RemoteInputs<C>
    ? [inputs?: RemoteInputs<C> | undefined, options?: RemoteOutputsOptions]
    : [inputs: RemoteInputs<C>, options?: RemoteOutputsOptions]

type RemoteOutputsOptions = RemoteLaunchOptions & { readonly nowait?: false | undefined }

/** The outputs of a process that was launched over a communicator. */
export type RemoteOutputs<C> = C extends string ? Readonly<Record<string, unknown>> : PartialOutputsOf<C>

function textOf(message: string | undefined): string | null {
  return wellFormed(message) ?? null
}

function pidText(answer: unknown): string {
  return typeof answer === 'string' ? answer : String(answer)
}

/** @throws RemoteException for an answer that is not a status */
function statusOf(pid: RemotePid, answer: unknown): RemoteStatus {
  if (isJsonObject(answer)) {
    const { ctime, paused, process_string: text, state } = answer
    const label = typeof state === 'string' ? state.replace(/^ProcessState\./, '').toLowerCase() : ''
    if (isProcessState(label) && typeof ctime === 'number')
      return {
        state: label,
        paused: paused === true,
        creationTime: new Date(Math.round(ctime * 1_000)),
        processString: typeof text === 'string' ? text : '',
      }
  }
  throw new RemoteException(`${String(pid)} has answered something that is not a status`)
}
