import { CLIENT_OPTIONS, type ClientOptions } from '../client/client-options.ts'
import type { Communicator } from '../communication/contract/communicator.ts'
import type { AnyActorClass } from '../process/actor/actor-class.ts'
import type { AnyProcessClass } from '../process/host/process-object.ts'
import { isPruneOptions, type PruneOptions } from '../spec/prune-policy.ts'
import type { Duration } from '../shared/duration.ts'
import { hasAll, isCount, isDuration, isFlag, shown, type OptionNames } from '../shared/options.ts'
import { checkName } from '../shared/text.ts'

/** Options of `Engine.open`, except the classes. */
export interface EngineSettings extends Omit<ClientOptions, 'processes' | 'actors'> {
  /** The most steps in flight at the same time. Default 100. A process that waits takes no slot. */
  readonly concurrency?: number | undefined
  /**
   * Labels of this engine, such as `gpu`. A process that was launched with the option
   * `worker: 'gpu'` runs only in an engine that has this label. An engine with labels also runs
   * processes without that option. Default: none.
   */
  readonly labels?: readonly string[] | undefined
  /** How long this engine counts as alive after its last heartbeat. Default 10 s. */
  readonly lease?: Duration | undefined
  /**
   * Close on SIGTERM and SIGINT, then raise the signal again unless something else listens.
   * Default true.
   */
  readonly handleSignals?: boolean | undefined
  /**
   * When this engine deletes ended processes of its classes that declare no `static prune`. Default:
   * never.
   */
  readonly prune?: PruneOptions | undefined
  /**
   * Carries messages between this engine and other programs: the unfinished processes of the store
   * answer RPCs under their pids, receive broadcasts, and broadcast their changes of state. Closing
   * the engine does not close the communicator. Default: none.
   */
  readonly communicator?: Communicator | undefined
}

/** Options of `Engine.open`: the settings, with `processes`, `actors` or both. */
export type EngineOptions = EngineSettings & (RunsProcesses | RunsActors)

interface RunsProcesses {
  /**
   * The classes that this engine runs, besides those that its `loader` finds. Processes of other
   * classes are left to engines that have them.
   */
  readonly processes: readonly AnyProcessClass[]
  /** The classes of actors whose calls this engine runs. Other actors are left to engines that have them. */
  readonly actors?: readonly AnyActorClass[] | undefined
}

/* At least one of them has to be given, so that the engine has something to run. */
interface RunsActors {
  readonly processes?: readonly AnyProcessClass[] | undefined
  readonly actors: readonly AnyActorClass[]
}

const isCommunicator = hasAll('a communicator', [
  'rpcSend',
  'joinRpcGroup',
  'broadcastSend',
  'addBroadcastSubscriber',
])

/** The check of each option. */
export const ENGINE_OPTIONS: OptionNames<EngineOptions> = {
  ...CLIENT_OPTIONS,
  concurrency: isCount,
  labels: areLabels,
  lease: isDuration,
  handleSignals: isFlag,
  prune: isPruneOptions,
  communicator: isCommunicator,
}

/** @throws TypeError for anything but a list of non-empty texts */
function areLabels(what: string, value: unknown): void {
  if (!Array.isArray(value)) throw new TypeError(`${what} takes a list of strings, not ${shown(value)}`)
  for (const label of value) checkName(`${what}: a label`, label)
}

/** Options of `close`. */
export interface CloseOptions {
  /**
   * How long running steps may continue. After that they are aborted, and run again in another
   * engine or at the next start. Default 30 s.
   */
  readonly drain?: Duration | undefined
}
