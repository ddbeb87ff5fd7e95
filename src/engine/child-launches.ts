import { registeredName } from '../bundle/loader.ts'
import type { GroupStart } from '../client/group/group-starts.ts'
import type { StoreMember } from '../client/group-client.ts'
import type { Launcher } from '../client/launch/create-write.ts'
import { copyOf } from '../ports/plain.ts'
import type { StoringMember } from '../process/group/group-launch.ts'
import type { GroupToLaunch } from '../process/host/host.ts'
import type { ProcessGroup } from '../process/host/process-group.ts'
import type { LaunchOptions } from '../process/host/launch-options.ts'
import type { ProcessHandle, Settled } from '../process/host/process-handle.ts'
import type { AnyProcessClass, Hosted } from '../process/host/process-object.ts'
import { referring } from '../process/references/reference.ts'
import { KeyConflictError, SerializationError } from '../shared/errors.ts'
import type { EngineParts } from './engine-parts.ts'
import type { Execution } from './execution.ts'
import { freePid, StepLaunches, type LaunchingPid } from './step-launches.ts'
import { StoreReader } from './store-reader.ts'

type Inputs = Readonly<Record<string, unknown>> | undefined

/** The operations of an engine that steps call for other processes. */
export interface OtherProcesses {
  /** Launches a child. */
  start(
    processClass: AnyProcessClass | string,
    inputs: Inputs,
    options: LaunchOptions,
    launcher: Launcher,
  ): Promise<ProcessHandle>
  /** Launches children as a group. */
  startGroup(
    processClass: AnyProcessClass | string,
    start: Omit<GroupStart, 'launch'>,
    launch: (store: StoreMember) => GroupStart['launch'],
  ): Promise<ProcessGroup>
  /** How a process ended, with its result or its outputs; undefined if it has not ended. */
  outcome(pid: string, outputs?: boolean): Promise<Settled<unknown> | undefined>
}

/** What a step launches, and in which of its branches. */
export interface ChildLaunch {
  readonly parent: Hosted
  readonly processClass: AnyProcessClass | string
  readonly branch: string
}

/** The pid of a child, and who launches it. */
interface Child {
  readonly pid: string
  readonly launcher: Launcher
  /** Launches again under a free pid if the pid belongs to a child of an earlier parent. */
  retried<T>(launched: Promise<T>, again: (pid: string, launcher: Launcher) => Promise<T>): Promise<T>
}

/** Launches the children of the steps of an engine. */
export class ChildLaunches {
  readonly #engine: EngineParts
  readonly #others: OtherProcesses
  /** The execution of a process. @throws LeaseLost if the process has no claim */
  readonly #executionOf: (process: Hosted) => Execution

  constructor(engine: EngineParts, others: OtherProcesses, executionOf: (process: Hosted) => Execution) {
    this.#engine = engine
    this.#others = others
    this.#executionOf = executionOf
  }

  async launch(what: ChildLaunch, given: Inputs, options: LaunchOptions): Promise<ProcessHandle> {
    // A copy, since the step may change its object after the call.
    const { inputs } = referring(copyOf(given))
    const start = (pid: string, launcher: Launcher): Promise<ProcessHandle> =>
      this.#others.start(what.processClass, inputs, { ...options, pid }, launcher)
    const child = await this.#child(what, inputs, options.pid)
    return child.retried(start(child.pid, child.launcher), start)
  }

  async launchAll(
    what: ChildLaunch,
    { where, inputs, settings, options }: GroupToLaunch,
  ): Promise<ProcessGroup> {
    const { parent, processClass, branch } = what
    const execution = this.#executionOf(parent)
    const reader = new StoreReader(this.#engine, execution)
    const name = settings.group ?? this.of(execution).groupName(branch, nameOf(processClass))
    const { signal, ...ofMembers } = options
    const launcher = { parent: parent.pid, parentFence: execution.fence as number }
    const read = <T>(look: () => Promise<T>): Promise<T> => reader.retry(look)
    const start = { where, name, inputs, settings, signal, launcher, read }
    return this.#others.startGroup(processClass, start, (store) => async (given, group) => {
      const { inputs: own } = referring(copyOf(given))
      const launch = async (pid: string, by: Launcher): Promise<StoringMember> =>
        store(own, { ...ofMembers, pid }, { ...by, group })
      const child = await this.#child(what, own, undefined)
      const { stored } = await launch(child.pid, child.launcher)
      const again = async (pid: string, by: Launcher): Promise<string> => (await launch(pid, by)).stored
      return { stored: child.retried(stored, again) }
    })
  }

  /** The launches of the step that an execution runs. */
  of(execution: Execution): StepLaunches {
    return (execution.launches ??= new StepLaunches(execution, new StoreReader(this.#engine, execution)))
  }

  /** `given` is a pid that the step has chosen. */
  async #child(
    { parent, processClass, branch }: ChildLaunch,
    inputs: Inputs,
    given: string | undefined,
  ): Promise<Child> {
    const execution = this.#executionOf(parent)
    const className = nameOf(processClass)
    const { pid, isOwn }: LaunchingPid =
      given === undefined
        ? await this.of(execution).pidOf({ branch, className, inputs: this.#textOf(inputs) })
        : { pid: given, isOwn: false }
    const launcher = { parent: parent.pid, parentFence: execution.fence as number, onlyOwn: isOwn }
    return {
      pid,
      launcher,
      retried: async (launched, again) => {
        try {
          return await launched
        } catch (error) {
          if (!isOwn || !(error instanceof KeyConflictError)) throw error
          const free = await freePid(pid, parent.pid, new StoreReader(this.#engine, execution))
          if (free === pid) throw error
          return again(free, launcher)
        }
      },
    }
  }

  /** The inputs as they are saved; undefined if only the class can save them. */
  #textOf(inputs: Inputs): string | undefined {
    try {
      return this.#engine.codec.stringify(inputs ?? {}, 'inputs')
    } catch (error) {
      if (error instanceof SerializationError) return undefined
      throw error
    }
  }
}

function nameOf(processClass: AnyProcessClass | string): string {
  return typeof processClass === 'string' ? processClass : registeredName(processClass)
}
