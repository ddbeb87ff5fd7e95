import type { Codec, SavedType } from '../../bundle/codec.ts'
import type { Create } from '../../persistence/contract/writes.ts'
import {
  GET,
  hasMethod,
  ON_LOAD,
  savedField,
  SET,
  type AnyActorClass,
} from '../../process/actor/actor-class.ts'
import { callName } from '../../process/actor-call.ts'
import type { ActorRef, CallOptions } from '../../process/host/actor-ref.ts'
import type { Retention } from '../../process/host/launch-options.ts'
import type { ProcessHandle, WaitOptions } from '../../process/host/process-handle.ts'
import { InvalidStateError, ProcessLost, WaitTimeout } from '../../shared/errors.ts'
import { checkOptions, isFlag, shown } from '../../shared/options.ts'
import { checkName, checkText } from '../../shared/text.ts'
import type { Outcome } from '../../persistence/contract/outcomes.ts'
import { stoppedError } from '../launch/create-write.ts'
import type { Launches } from '../launch/launches.ts'
import type { RowReader } from '../read/row-reader.ts'
import type { CallWrites } from '../write/call-writes.ts'
import type { ClientSession } from '../write/client-session.ts'
import type { Requests } from '../write/requests.ts'
import type { ClientHandle } from './client-handle.ts'

/** The parts of a client that its references to actors use. */
export interface ActorRefParts {
  readonly codec: Codec
  readonly queueing: CallWrites
  readonly session: ClientSession
  readonly launches: Launches
  readonly requests: Requests
  readonly rows: RowReader
  handle(pid: string, name: string): ClientHandle
}

/** The actor that a reference refers to. */
export interface ReferredActor {
  readonly id: string
  readonly className: string
  /** Without the class, the names of methods are not checked before an engine runs them. */
  readonly actorClass?: AnyActorClass | undefined
  /** The retention of calls through the reference. */
  readonly retention?: Retention | undefined
}

/** Members of a proxy that language and tools look for. None of them is a method of an actor. */
const NO_CALLS: ReadonlySet<string | symbol> = new Set(['then', 'catch', 'finally', 'toJSON'])

/** A reference to an actor in a store. */
export class ClientActor implements ActorRef<Record<string, (...args: never[]) => unknown>> {
  readonly id: string
  /** The name of the class of the actor. */
  readonly className: string
  readonly call: Record<string, (...args: readonly unknown[]) => ProcessHandle<never>>
  readonly #class: AnyActorClass | undefined
  readonly #retention: Retention | undefined
  readonly #parts: ActorRefParts

  constructor(parts: ActorRefParts, { id, className, actorClass, retention }: ReferredActor) {
    this.id = id
    this.className = className
    this.#parts = parts
    this.#class = actorClass
    this.#retention = retention
    this.call = new Proxy(Object.create(null) as ClientActor['call'], {
      set: () => false,
      defineProperty: () => false,
      get: (_, method) =>
        typeof method === 'symbol' || NO_CALLS.has(method)
          ? undefined
          : (...args: readonly unknown[]) => this.send(method, args),
    })
  }

  get process(): ProcessHandle<void> {
    return this.#handle as unknown as ProcessHandle<void>
  }

  get #handle(): ClientHandle {
    return this.#parts.handle(this.id, this.className)
  }

  send(method: string, args: readonly unknown[], options: CallOptions = {}): ProcessHandle<never> {
    checkName('send: the method', method)
    if (!Array.isArray(args)) throw new TypeError(`send takes a list of arguments, not ${shown(args)}`)
    if (method === ON_LOAD || (this.#class !== undefined && !hasMethod(this.#class, method)))
      throw new TypeError(`the actor class ${this.className} has no method ${method} that can be called`)
    return this.#send(method, args, options)
  }

  #send(method: string, args: readonly unknown[], options: CallOptions = {}): ProcessHandle<never> {
    const { launches, session, queueing } = this.#parts
    const given = { retention: this.#retention, ...options }
    const create = launches.createCall(this.id, callName(this.className, method), args, given, session.id)
    const handle = this.#parts.handle(create.pid, create.className)
    handle.submitting(
      queueing.write(create).then((outcome) => {
        requireQueued(create, outcome)
        if (create.retainedBy !== undefined) session.launched(create.pid)
      }),
    )
    handle.submittedAt(create.createdAt)
    return handle as unknown as ProcessHandle<never>
  }

  async ready(options: WaitOptions = {}): Promise<void> {
    const handle = this.#handle
    if (!(await handle.until(({ label }) => label !== 'created', options)))
      throw new WaitTimeout(`the actor ${this.id} was not constructed when the wait timed out`, [this.id], 1)
    const error = handle.done ? handle.exception() : null
    if (error !== null) throw error
  }

  async get(field: string, options: { readonly ordered?: boolean | undefined } = {}): Promise<never> {
    checkOptions(options, { ordered: isFlag }, 'get')
    this.#checkField('get', field)
    if (options.ordered === true) return this.#send(GET, [field]).result()
    await this.ready()
    const stored = await this.#parts.rows.load(this.id)
    if (stored === undefined) throw notThere(this.id)
    const { className } = stored.row
    if (className !== this.className)
      throw new InvalidStateError(
        `${this.id} is of the class ${className}, and no actor of ${this.className}`,
      )
    return savedField(stored.bundle().parts['memory'] ?? '{}', field, this.#parts.codec) as never
  }

  set(field: string, value: unknown): ProcessHandle<void> {
    this.#checkField('set', field)
    return this.#send(SET, [field, value])
  }

  #checkField(what: string, field: string): void {
    checkText(`${what}: the field`, field)
    if (this.#class !== undefined && hasMethod(this.#class, field))
      throw new TypeError(`the actor class ${this.className} has no field ${field}: that is a method`)
  }

  async pending(): Promise<number> {
    const row = await this.#parts.rows.read(this.id)
    if (row === undefined) throw notThere(this.id)
    if (row.mailbox === null) throw new InvalidStateError(`process ${this.id} is not an actor`)
    return row.mailbox.calls
  }

  async stop(options: WaitOptions & { readonly drain?: boolean | undefined } = {}): Promise<void> {
    const { drain = true, ...wait } = options
    checkOptions(options, { drain: isFlag, timeout: true, signal: true }, 'stop')
    const outcome = await this.#parts.requests.stop(this.id, drain)
    if (outcome.status === 'refused') throw outcome.error
    if (outcome.status === 'missing') throw notThere(this.id)
    if ((await this.#handle.wait(wait)) === null)
      throw new WaitTimeout(
        `the actor ${this.id} had not ended when the wait timed out; it stops all the same`,
        [this.id],
        1,
      )
  }

  toJSON(): { readonly $actor: string } {
    return { $actor: this.id }
  }
}

/** @throws AlreadyDone, ProcessLost, InvalidStateError, or the error of the store */
function requireQueued({ pid, actor = '', className }: Create, outcome: Outcome): void {
  switch (outcome.status) {
    case 'done':
      return
    case 'refused':
      throw outcome.error
    case 'ended':
      throw stoppedError(actor)
    case 'conflict':
      throw new InvalidStateError(`${outcome.reason}; nothing was queued`)
    default: {
      const needed = ('needed' in outcome ? outcome.needed : undefined) ?? actor
      if (needed === actor) throw notThere(actor)
      throw new ProcessLost(
        needed,
        `there is no process ${needed} in this store, and the arguments or \`after\` of the call ${pid} (${className}) refer to it; nothing was queued`,
      )
    }
  }
}

function notThere(id: string): ProcessLost {
  return new ProcessLost(
    id,
    `there is no actor ${id} in this store: the id is wrong, it is another store, or it was pruned`,
  )
}

/** How references to actors are saved, in arguments, inputs and fields. */
export function actorType(actorOf: (className: string, id: string) => ClientActor): SavedType {
  const type: SavedType<ClientActor, { readonly id: string; readonly class: string }> = {
    name: 'actor',
    is: (value) => value instanceof ClientActor,
    encode: ({ id, className }) => ({ id, class: className }),
    decode: ({ id, class: className }) => actorOf(className, id),
  }
  return type
}
