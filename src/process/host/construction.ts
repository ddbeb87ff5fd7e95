import type { Bundle } from '../../bundle/bundle.ts'
import type { Loader } from '../../bundle/loader.ts'
import { upgradeBundle, type VersionedClass } from '../../bundle/upgrade.ts'
import { IncompatibleBundle, SpecError } from '../../shared/errors.ts'
import type { Logger } from '../../shared/logger.ts'
import type { RetryOptions } from '../../spec/retry-policy.ts'
import { errorText } from '../state/state-data.ts'
import type { Host } from './host.ts'
import {
  HOSTED,
  type AnyProcessClass,
  type Hosted,
  type ProcessClass,
  type ProcessObject,
} from './process-object.ts'

/*
 * How engines and hosts construct processes. The constructor of a subclass passes on only the
 * arguments that its author knew. Whatever else the constructor of `Process` needs is handed over
 * separately.
 */

/** What the constructor of `Process` needs beyond what users give. */
export interface PendingConstruction {
  readonly pid?: string | undefined
  readonly logger?: Logger | undefined
  /** Default: memory. */
  readonly host?: Host | undefined
  /** When the process was created, if it is not created now. */
  readonly created?: Date | undefined
  /** The retries that the process is launched with. */
  readonly retry?: number | RetryOptions | undefined
  /** The inputs and the options of the launch as they were saved, where the inputs were references. */
  readonly referring?: { readonly inputs: string; readonly launch: string } | undefined
  /** The saved form that the process comes back from. Its inputs are then not checked. */
  readonly bundle?: Bundle | undefined
}

let pending: { readonly of: object; readonly construction: PendingConstruction } | undefined

/**
 * For the constructor of `Process`: what was handed over for this object; undefined if a user
 * wrote `new`.
 */
export function takeConstruction(processClass: object): PendingConstruction | undefined {
  if (pending?.of !== processClass) return undefined
  const { construction } = pending
  pending = undefined
  return construction
}

type ConcreteClass = VersionedClass &
  ProcessClass &
  (new (inputs?: Readonly<Record<string, unknown>>) => ProcessObject)

function constructWith(
  processClass: ConcreteClass,
  construction: PendingConstruction,
  inputs?: Readonly<Record<string, unknown>>,
): Hosted {
  pending = { of: processClass, construction }
  try {
    return new processClass(inputs)[HOSTED]
  } finally {
    pending = undefined
  }
}

/**
 * A process class that is not abstract can be constructed. The constructor checks what its inputs
 * must be.
 *
 * @throws SpecError for anything but a process class of this copy of the package
 */
export function concrete(processClass: AnyProcessClass): ConcreteClass {
  if (isConcrete(processClass)) return processClass
  throw new SpecError(
    `${processClass.name} is not a process class: let it extend Process, of this very copy of the package`,
  )
}

function isConcrete(processClass: unknown): processClass is ConcreteClass {
  const { prototype } = processClass as { readonly prototype?: unknown }
  return typeof prototype === 'object' && prototype !== null && HOSTED in prototype
}

/**
 * @internal Makes a new process under a host.
 *
 * @throws PortValidationError for inputs that do not fit
 */
export function construct(
  processClass: AnyProcessClass,
  inputs: Readonly<Record<string, unknown>> | undefined,
  options: Omit<PendingConstruction, 'bundle'> = {},
): Hosted {
  return constructWith(concrete(processClass), options, inputs)
}

/** @internal */
export interface RecreateOptions {
  readonly loader: Loader<AnyProcessClass>
  readonly host: Host
  readonly logger?: Logger | undefined
}

/**
 * @internal Makes a process from its saved form, under a host.
 *
 * @throws UnknownProcessClass if the loader does not know its class
 * @throws IncompatibleBundle if the bundle is damaged, or has a version that the class can't
 *   upgrade
 */
export function recreate(bundle: Bundle, { loader, host, logger }: RecreateOptions): Hosted {
  const processClass = concrete(loader.load(bundle.head.class))
  const lifted = upgradeBundle(bundle, processClass, host.codec)
  const { pid, created } = lifted.head
  try {
    const hosted = constructWith(processClass, {
      pid,
      host,
      logger,
      created: new Date(created),
      bundle: lifted,
    })
    hosted.restoreMembers()
    return hosted
  } catch (error) {
    if (error instanceof IncompatibleBundle || error instanceof SpecError) throw error
    // The saved form does not suit the class's own code: its constructor, `decodeInputArgs` or
    // `loadInstanceState`.
    const text = errorText(error)
    throw new IncompatibleBundle(`the process ${pid} can't be restored from its saved form: ${text}`, {
      cause: error,
    })
  }
}
