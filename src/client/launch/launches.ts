import { Bundle } from '../../bundle/bundle.ts'
import type { Codec } from '../../bundle/codec.ts'
import { registeredName, type ClassRegistry } from '../../bundle/loader.ts'
import type { Control } from '../../persistence/contract/control.ts'
import type { ClassRow } from '../../persistence/contract/engines.ts'
import type { Create } from '../../persistence/contract/writes.ts'
import { construct, recreate } from '../../process/host/construction.ts'
import { savedDependency, type SavedDependency } from '../../process/references/dependency.ts'
import { actorName, type AnyActorClass } from '../../process/actor/actor-class.ts'
import { isRetention } from '../../process/host/retention.ts'
import { isLabel, isRetries, retriesOf } from '../../process/actor/call-options.ts'
import type { ActorOptions, CallOptions } from '../../process/host/actor-ref.ts'
import { itemClassName } from '../../process/host/chunks.ts'
import { requireNoSignal } from '../../process/memory/chunk.ts'
import { Process } from '../../process/process.ts'
import { referring } from '../../process/references/reference.ts'
import { checkOptions, type OptionNames } from '../../shared/options.ts'
import type { LaunchOptions } from '../../process/host/launch-options.ts'
import type { AnyProcessClass } from '../../process/host/process-object.ts'
import type { Clock } from '../../shared/clock.ts'
import { CREATED_STATE, UNCHECKED_STATE } from '../../process/state/saved-state.ts'
import {
  IncompatibleBundle,
  PortValidationError,
  SerializationError,
  SpecError,
} from '../../shared/errors.ts'
import { specOf } from '../../spec/process-spec.ts'
import {
  BY_A_CALLER,
  checkByName,
  createWrite,
  retryOf,
  uncheckedWrite,
  type Launcher,
} from './create-write.ts'
import { LaunchingHost } from './launching-host.ts'
import {
  knownProblems,
  savedUpstream,
  upstreamOf,
  withSavedUpstream,
  type SavedUpstream,
} from './upstream.ts'

/** The inputs of a launch, with references in place of handles. */
export interface LaunchedInputs {
  readonly inputs: Readonly<Record<string, unknown>> | undefined
  /** Whether they contain references. */
  readonly refers: boolean
}

const CALL_OPTIONS: OptionNames<CallOptions> = {
  after: true,
  retries: isRetries,
  label: isLabel,
  retention: isRetention,
}

/** Makes the writes of launches, by class or by name. */
export class Launches {
  readonly #store: Control
  readonly #codec: Codec
  readonly #clock: Clock
  readonly #classes: ClassRegistry<AnyProcessClass>
  readonly #host: LaunchingHost

  constructor(store: Control, codec: Codec, clock: Clock, classes: ClassRegistry<AnyProcessClass>) {
    this.#store = store
    this.#codec = codec
    this.#clock = clock
    this.#classes = classes
    this.#host = new LaunchingHost(codec, clock)
  }

  /** Returns the class to launch; undefined for a name that this program does not know. */
  classOf(processClass: AnyProcessClass | string): AnyProcessClass | undefined {
    return typeof processClass === 'string' ? this.#classes.find(processClass) : processClass
  }

  /** Validates the inputs by the class, and saves the process. Synchronous, so that launches are stored in the order of the calls. */
  createByClass(
    processClass: AnyProcessClass,
    { inputs, refers }: LaunchedInputs,
    options: LaunchOptions,
    launcher: Launcher,
  ): Create {
    this.#requireRegistered(processClass)
    const after = savedDependency(options.after)
    if (refers) return this.#referring(processClass, inputs ?? {}, options, after, launcher)
    const process = construct(processClass, inputs, {
      pid: options.pid,
      host: this.#host,
      created: new Date(this.#clock.now()),
      retry: retryOf(options),
    })
    return withUpstream(createWrite(process, options, launcher, specOf(processClass).deadlineAfter), {
      after,
    })
  }

  /**
   * The write for inputs with references. The values around the references are checked now, and all
   * of them when the process starts.
   */
  #referring(
    processClass: AnyProcessClass,
    inputs: Readonly<Record<string, unknown>>,
    options: LaunchOptions,
    after: SavedDependency | undefined,
    launcher: Launcher,
  ): Create {
    const spec = specOf(processClass)
    const problems = knownProblems(spec, inputs)
    if (problems.length > 0) throw new PortValidationError(problems)
    const described = {
      name: registeredName(processClass),
      version: (processClass as { readonly version?: number }).version ?? 1,
      deadlineAfter: spec.deadlineAfter,
    }
    try {
      const create = uncheckedWrite(described, inputs, this.#clock.now(), options, launcher, this.#codec)
      return withUpstream(create, { refers: true, after })
    } catch (error) {
      const isByClass = processClass.prototype.encodeInputArgs !== Process.prototype.encodeInputArgs
      throw error instanceof SerializationError && isByClass ? notEncoded(error) : error
    }
  }

  /**
   * Returns what makes the writes of several launches by one name: as `createByName`, with the schema
   * that is registered now.
   */
  async creatorByName(
    name: string,
  ): Promise<(given: LaunchedInputs, options: LaunchOptions, launcher: Launcher) => Create> {
    const described = await this.#described(name)
    return (given, options, launcher) => this.#createAs(described, given, options, launcher)
  }

  /**
   * Checks the inputs against the schema that an engine has registered for the name. Without a
   * schema, nothing is checked.
   */
  async createByName(
    name: string,
    { inputs, refers }: LaunchedInputs,
    options: LaunchOptions,
    launcher: Launcher,
  ): Promise<Create> {
    savedDependency(options.after)
    // Copied before the first await: later changes by the caller are not launched.
    const given = this.#codec.copy(inputs ?? {}) as Readonly<Record<string, unknown>>
    return this.#createAs(await this.#described(name), { inputs: given, refers }, options, launcher)
  }

  #createAs(
    described: Pick<ClassRow, 'name' | 'version' | 'inputs'>,
    { inputs = {}, refers }: LaunchedInputs,
    options: LaunchOptions,
    launcher: Launcher,
  ): Create {
    const after = savedDependency(options.after)
    checkByName(described, inputs)
    const create = uncheckedWrite(described, inputs, this.#clock.now(), options, launcher, this.#codec)
    return withUpstream(create, { ...(refers && { refers }), after })
  }

  /**
   * Makes the write of a new actor.
   *
   * @throws SerializationError for an argument that can't be saved
   */
  createActor(actorClass: AnyActorClass, args: readonly unknown[], options: ActorOptions): Create {
    const { id: pid, label, worker, retries, order = 'strict', maxMailbox: limit = null } = options
    const { inputs, refers } = referring({ args: [...args] })
    const described = { name: actorName(actorClass), version: 1 }
    const write = uncheckedWrite(
      described,
      inputs,
      this.#clock.now(),
      { pid, label, worker },
      BY_A_CALLER,
      this.#codec,
    )
    const parts =
      retries === undefined ? write.parts : { ...write.parts, launch: JSON.stringify({ retries }) }
    const create = { ...write, parts, step: null, mailbox: { order, limit } }
    return withUpstream(create, { ...(refers && { refers }), after: undefined })
  }

  /**
   * Makes the write of a call of an actor. `session` is the id of the session of the caller.
   *
   * @throws SerializationError for an argument that can't be saved
   */
  createCall(
    actor: string,
    name: string,
    args: readonly unknown[],
    options: CallOptions,
    session: string,
  ): Create {
    checkOptions(options, CALL_OPTIONS, 'send')
    const { after, retries, label, retention } = options
    const { inputs, refers } = referring({ args: [...args] })
    const retry = retries === undefined ? undefined : retriesOf(retries)
    const write = uncheckedWrite(
      { name, version: 1 },
      inputs,
      this.#clock.now(),
      { label, retry, retention },
      { ...BY_A_CALLER, session },
      this.#codec,
    )
    return withUpstream(
      { ...write, actor },
      { ...(refers && { refers }), after: savedDependency(after, 'send: after') },
    )
  }

  /** An engine may register the class later (C9), so a class that no engine has registered is launched unchecked. */
  async #described(name: string): Promise<Pick<ClassRow, 'name' | 'version' | 'inputs'>> {
    const classes = await this.#store.classes()
    const described = classes.find((row) => row.name === name) ?? chunksDescribed(name, classes)
    return described ?? { name, version: 1, inputs: '{}' }
  }

  /**
   * Checks the changed inputs of a process that is resubmitted, by its class or by the schema that
   * engines have registered. An engine that has the class checks them again when it runs the process.
   *
   * @throws PortValidationError for inputs that do not fit
   */
  async checkAgain({ pid, className, version, createdAt, seq, parts }: Create): Promise<void> {
    const { inputs = '{}' } = parts
    const known = this.#classes.find(className)
    if (known !== undefined && savedUpstream(parts).refers === true) {
      const given = this.#codec.parse(inputs, 'inputs') as Readonly<Record<string, unknown>>
      const problems = knownProblems(specOf(known), given)
      if (problems.length > 0) throw new PortValidationError(problems)
      return
    }
    if (known !== undefined) {
      // As the engine does: the class itself reads its saved inputs.
      const head = { pid, class: className, version, created: new Date(createdAt).toISOString(), seq }
      const bundle = Bundle.fromParts(head, { inputs, state: CREATED_STATE })
      const isRaw = parts['state'] === UNCHECKED_STATE
      const given = isRaw
        ? (this.#codec.parse(inputs, 'inputs') as Readonly<Record<string, unknown>>)
        : recreate(bundle, { loader: this.#classes, host: this.#host }).process.rawInputs
      construct(known, given, { host: this.#host })
      return
    }
    const described = (await this.#store.classes()).find(({ name }) => name === className)
    if (described !== undefined) checkByName(described, this.#readable(inputs))
  }

  /** The inputs; undefined if only a program that has their types can read them. */
  #readable(inputs: string): Readonly<Record<string, unknown>> | undefined {
    try {
      return this.#codec.parse(inputs, 'inputs') as Readonly<Record<string, unknown>>
    } catch (error) {
      if (error instanceof IncompatibleBundle) return undefined
      throw error
    }
  }

  /** @throws SpecError if another class is registered under the name of this one, because that class would run */
  #requireRegistered(processClass: AnyProcessClass): void {
    const name = registeredName(processClass)
    const registered = this.#classes.find(name)
    if (registered === undefined || registered === processClass) return
    throw new SpecError(
      `the launched class ${name} is not the class ${name} in \`processes\`, whose code would run: ` +
        'launch the registered class, or give one of them another `static processName`. If a module is loaded twice, each of its classes exists twice',
    )
  }
}

/** Describes the chunks of a class that is registered. @throws SpecError for a class with signals */
function chunksDescribed(
  name: string,
  classes: readonly ClassRow[],
): Pick<ClassRow, 'name' | 'version' | 'inputs'> | undefined {
  const items = classes.find((row) => row.name === itemClassName(name))
  if (items === undefined) return undefined
  requireNoSignal(items.name, Object.keys(JSON.parse(items.signals) as object))
  const { version, inputs } = items
  const list = { type: 'array', items: JSON.parse(inputs) as object }
  const schema = { type: 'object', properties: { items: list }, required: ['items'] }
  return { name, version, inputs: JSON.stringify(schema) }
}

/**
 * The error for inputs that only the class can encode, because it can't do so before all of them
 * are known.
 */
function notEncoded({ path, message }: SerializationError): SerializationError {
  const text = message.slice(`${path}: `.length)
  return new SerializationError(
    path,
    `${text} Its class saves inputs by encodeInputArgs, which is not asked before the values of other processes have come: launch it without references to such, or order it by \`after\``,
  )
}

/** The write with the needs of the process. */
function withUpstream(
  create: Create,
  { refers, after }: { readonly refers?: true; readonly after: SavedDependency | undefined },
): Create {
  const saved: SavedUpstream = { ...(refers && { refers }), ...(after !== undefined && { after }) }
  const parts = withSavedUpstream(create.parts, saved)
  if (parts === create.parts) return create
  return { ...create, parts, upstream: upstreamOf(parts, create.createdAt) }
}
