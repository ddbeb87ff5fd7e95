import { isLabel, isRetries } from '../process/actor/call-options.ts'
import { actorName, isActorClass, type AnyActorClass } from '../process/actor/actor-class.ts'
import type { ActorOptions, ActorRef, CallArgs } from '../process/host/actor-ref.ts'
import { isRetention } from '../process/host/retention.ts'
import { checkOptions, isCount, shown, type OptionNames } from '../shared/options.ts'
import { checkName } from '../shared/text.ts'
import { checkPid } from './client-reader.ts'
import { GroupClient } from './group-client.ts'

const OPTIONS: OptionNames<ActorOptions> = {
  id: true,
  retries: isRetries,
  order: isOrder,
  maxMailbox: isCount,
  label: isLabel,
  worker: true,
  retention: isRetention,
}

function isOrder(what: string, value: unknown): void {
  if (value !== 'strict' && value !== 'ready')
    throw new TypeError(`${what} is 'strict' or 'ready', not ${String(value)}`)
}

/** The methods of a client that make actors, and find them again. */
export abstract class ActorClient extends GroupClient {
  /**
   * Makes an actor: a long-lived object with a durable mailbox. The actor is durable when the promise
   * resolves; an engine that has the class in `actors` constructs it. With an `id` that is in use, the
   * actor of that id is opened.
   *
   * ```ts
   * const counter = await engine.actor(Counter, [3], { id: 'visits' })
   * const sum = await counter.call.add(1).result()
   * ```
   *
   * @throws SerializationError for an argument that can't be saved
   * @throws KeyConflictError if the id is in use by anything but an actor of this class with these
   *   arguments
   */
  async actor<A extends object, Args extends unknown[]>(
    actorClass: new (...args: Args) => A,
    args: CallArgs<Args>,
    options: ActorOptions = {},
  ): Promise<ActorRef<A>> {
    this.requireOpen()
    isActorClass('actor', actorClass)
    if (!Array.isArray(args)) throw new TypeError(`actor takes a list of arguments, not ${shown(args)}`)
    checkOptions(options, OPTIONS, 'actor')
    if (options.id !== undefined) checkName('actor: the id', options.id)
    if (options.worker !== undefined) checkName('actor: worker, the label of an engine', options.worker)
    const create = this.parts.launches.createActor(actorClass, args, options)
    const pid = this.storedPid(create, await this.parts.commits.write(create))
    return this.parts.actor(create.className, pid, actorClass, options.retention) as unknown as ActorRef<A>
  }

  /**
   * Returns a reference to an actor. No I/O: the first call finds out whether the actor exists. With
   * the name of its class in place of the class, the names of methods are not checked here.
   */
  actorById<A extends object>(actorClass: new (...args: never[]) => A, id: string): ActorRef<A>
  // Without the class nothing is known of its methods.
  // oxlint-disable-next-line typescript/no-explicit-any
  actorById(className: string, id: string): ActorRef<any>
  actorById(given: AnyActorClass | string, id: string): unknown {
    checkPid(id)
    if (typeof given === 'string') return this.parts.actor(given, id)
    isActorClass('actorById', given)
    return this.parts.actor(actorName(given), id, given)
  }
}
