import type { AnyRef, Dependency, Retention } from './launch-options.ts'
import type { ProcessHandle, WaitOptions } from './process-handle.ts'
import type { Refable } from './references.ts'

/** Options of a new actor. */
export interface ActorOptions {
  /**
   * The id of the actor, also the pid of its process. If an actor with that id exists, with the
   * same class and arguments, it is opened. Default: a new id.
   */
  readonly id?: string | undefined
  /** How often a failed call is tried again, before the next call runs. Default 0. */
  readonly retries?: number | undefined
  /**
   * Whether a call that waits for its inputs holds up the later ones (`strict`) or lets them pass
   * (`ready`). Default `strict`.
   */
  readonly order?: 'strict' | 'ready' | undefined
  /** How many calls may be queued and running. Default: no limit. */
  readonly maxMailbox?: number | undefined
  /** Free text shown in lists, as for a launch. */
  readonly label?: string | undefined
  /** The label of the engines that may hold the actor and run its calls, as for a launch. */
  readonly worker?: string | undefined
  /**
   * How long results of calls through the reference that `actor` returns are kept, unless the call
   * has its own `retention`. Default `keep`.
   */
  readonly retention?: Retention | undefined
}

/** Options of one call. */
export interface CallOptions {
  /** Processes that have to end before the call runs, as for a launch. */
  readonly after?: readonly AnyRef[] | Dependency | undefined
  /** How often a failed call is tried again. Default: `retries` of the actor. */
  readonly retries?: number | undefined
  readonly label?: string | undefined
  /** How long the result is kept, as for a launch. Default: `retention` of the reference to the actor. */
  readonly retention?: Retention | undefined
}

type Method = (...args: never[]) => unknown

/** The names of the methods of an actor class that can be called. */
export type MethodOf<A> = {
  [K in keyof A]: A[K] extends Method ? K : never
}[Exclude<keyof A, 'onLoad'>] &
  string

/** The names of the fields of an actor class. */
export type FieldOf<A> = Exclude<keyof A, MethodOf<A> | 'onLoad'> & string

/** The arguments of a method, where each value may be a handle or a reference, at any depth. */
export type CallArgs<P extends readonly unknown[]> = { [I in keyof P]: Refable<P[I]> }

/** What a method returns, awaited. */
export type CallResult<M> = M extends (...args: never[]) => infer R ? Awaited<R> : never

/** Calls the methods of an actor. Each call is queued at once, and returns its handle. */
export type ActorCalls<A> = {
  readonly [K in MethodOf<A>]: A[K] extends (...args: infer P) => unknown
    ? (...args: CallArgs<P>) => ProcessHandle<CallResult<A[K]>>
    : never
}

/**
 * A reference to an actor. It may be an argument of calls, an input of processes, and a field of
 * actors.
 */
export interface ActorRef<A extends object> {
  /** The id of the actor, also the pid of its process. */
  readonly id: string
  /**
   * The handle of the actor's process. The process ends when the actor is stopped or killed, or if
   * it can't be constructed.
   */
  readonly process: ProcessHandle<void>
  /**
   * The methods of the actor. `ref.call.add(1)` queues a call and returns its handle at once;
   * `handle.submitted()` resolves when the call is durable. Calls keep the order in which they were
   * made.
   *
   * @throws SerializationError for an argument that can't be saved, and TypeError for a method that
   * the class does not have; the call is then not queued
   */
  readonly call: ActorCalls<A>
  /** As `call`, with options. */
  send<K extends MethodOf<A>>(
    method: K,
    args: readonly unknown[],
    options?: CallOptions,
  ): ProcessHandle<CallResult<A[K]>>
  /**
   * Resolves once the actor is constructed.
   *
   * @throws ProcessError if it can't be constructed, or was killed before
   * @throws WaitTimeout at the timeout
   */
  ready(options?: WaitOptions): Promise<void>
  /**
   * Reads a field as the last durable call left it. With `ordered`, it is read after the calls that
   * were queued before.
   */
  get<K extends FieldOf<A>>(field: K, options?: { readonly ordered?: boolean | undefined }): Promise<A[K]>
  /** Sets a field, after the calls that were queued before. */
  set<K extends FieldOf<A>>(field: K, value: Refable<A[K]>): ProcessHandle<void>
  /** How many calls are queued and running. */
  pending(): Promise<number>
  /**
   * Stops the actor: it accepts no more calls, runs the queued ones, and ends. With `drain: false`
   * the queued calls end with `UpstreamFailed`; a running call still ends normally. Resolves once
   * the actor has ended.
   *
   * @throws WaitTimeout at the timeout; the actor still stops
   */
  stop(options?: WaitOptions & { readonly drain?: boolean | undefined }): Promise<void>
  /** The reference in JSON. */
  toJSON(): { readonly $actor: string }
}
