import type { SavedType } from '../bundle/codec.ts'
import { isListOfClasses, isLoader, type Loader } from '../bundle/loader.ts'
import { isListOfTypes } from '../bundle/saved-type.ts'
import type { Store } from '../persistence/contract/store.ts'
import { isListOfActors, type AnyActorClass } from '../process/actor/actor-class.ts'
import type { AnyProcessClass } from '../process/host/process-object.ts'
import type { Clock } from '../shared/clock.ts'
import type { Duration } from '../shared/duration.ts'
import type { Logger } from '../shared/logger.ts'
import { isClock, isDuration, isFlag, isLogger, type OptionNames } from '../shared/options.ts'

/** Options of `Client.open`. */
export interface ClientOptions {
  /**
   * The path of an SQLite file, `':memory:'`, or a store. Closing the client does not close a store that
   * was passed as an object.
   */
  readonly store: string | Store
  /** Whether a missing file is created. Default: false for a client, true for an engine. */
  readonly create?: boolean | undefined
  /** Classes that may also be launched by name; their inputs are then validated in this program. */
  readonly processes?: readonly AnyProcessClass[] | undefined
  /** Classes of actors. An engine runs the calls of actors of these classes. */
  readonly actors?: readonly AnyActorClass[] | undefined
  /** Finds classes that are not among `processes` by name, for example by importing modules. */
  readonly loader?: Loader<AnyProcessClass> | undefined
  /** The user's own classes in saved values. */
  readonly types?: readonly SavedType[] | undefined
  /** How long a killed step may take to end, before the process is killed without it. Default 10 s. */
  readonly killGrace?: Duration | undefined
  readonly clock?: Clock | undefined
  readonly logger?: Logger | undefined
}

/** The check of each option. */
export const CLIENT_OPTIONS: OptionNames<ClientOptions> = {
  store: true,
  create: isFlag,
  processes: isListOfClasses,
  actors: isListOfActors,
  loader: isLoader,
  types: isListOfTypes,
  killGrace: isDuration,
  clock: isClock,
  logger: isLogger,
}
