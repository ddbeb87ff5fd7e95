import { EventEmitter } from 'eventemitter3'
import { isThenable } from '../state/deferred.ts'
import type { ProcessEventMap as EventMap } from '../host/events.ts'
import type { ProcessObject } from '../host/process-object.ts'

type ProcessEventMap = EventMap<ProcessObject>

type Listener<K extends keyof ProcessEventMap> = EventEmitter.EventListener<ProcessEventMap, K>

/**
 * An emitter whose listeners may fail, also asynchronously. A failure is reported, and the other
 * listeners are called.
 */
export class GuardedEmitter extends EventEmitter<ProcessEventMap> {
  readonly #report: (error: unknown) => void
  /** The listeners as they were given, and as they are called. */
  readonly #guards = new WeakMap<object, unknown>()

  constructor(report: (error: unknown) => void) {
    super()
    this.#report = report
  }

  override on<K extends keyof ProcessEventMap>(event: K, listener: Listener<K>, context?: unknown): this {
    return super.on(event, this.#guard(listener), context)
  }

  override once<K extends keyof ProcessEventMap>(event: K, listener: Listener<K>, context?: unknown): this {
    return super.once(event, this.#guard(listener), context)
  }

  override removeListener<K extends keyof ProcessEventMap>(
    event: K,
    listener?: Listener<K>,
    context?: unknown,
    once?: boolean,
  ): this {
    return super.removeListener(event, listener && this.#guard(listener), context, once)
  }

  /** Under its other names, which the base class gives to its own methods. */
  override addListener<K extends keyof ProcessEventMap>(
    event: K,
    listener: Listener<K>,
    context?: unknown,
  ): this {
    return this.on(event, listener, context)
  }

  override off<K extends keyof ProcessEventMap>(
    event: K,
    listener?: Listener<K>,
    context?: unknown,
    once?: boolean,
  ): this {
    return this.removeListener(event, listener, context, once)
  }

  #guard<K extends keyof ProcessEventMap>(listener: Listener<K>): Listener<K> {
    const known = this.#guards.get(listener)
    if (known !== undefined) return known as Listener<K>
    const report = this.#report
    const guard = function (this: unknown, ...args: EventEmitter.EventArgs<ProcessEventMap, K>): void {
      try {
        // It may be asynchronous, whatever its type says.
        const result: unknown = Reflect.apply(listener, this, args)
        if (isThenable(result)) result.then(undefined, report)
      } catch (error) {
        report(error)
      }
    }
    this.#guards.set(listener, guard)
    // The base class removes a `once` listener by the function that it calls.
    this.#guards.set(guard, guard)
    return guard
  }
}
