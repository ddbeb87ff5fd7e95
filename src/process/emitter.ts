import { EventEmitter } from 'eventemitter3'
import { isThenable } from './deferred.ts'
import type { ProcessEventMap } from './events.ts'

type Listener<K extends keyof ProcessEventMap> = EventEmitter.EventListener<ProcessEventMap, K>
// oxlint-disable-next-line typescript/no-explicit-any
type AnyListener = (...args: any[]) => unknown

/** An emitter whose listeners may fail, also later, where they are asynchronous: that is reported, and the others are called. */
export class GuardedEmitter extends EventEmitter<ProcessEventMap> {
  readonly #report: (error: unknown) => void
  /** The listeners as they were given, and as they are called. */
  readonly #guards = new WeakMap<AnyListener, AnyListener>()

  constructor(report: (error: unknown) => void) {
    super()
    this.#report = report
  }

  override on<K extends keyof ProcessEventMap>(event: K, listener: Listener<K>, context?: unknown): this {
    return super.on(event, this.#guard(listener), context)
  }

  override addListener<K extends keyof ProcessEventMap>(
    event: K,
    listener: Listener<K>,
    context?: unknown,
  ): this {
    return super.on(event, this.#guard(listener), context)
  }

  override once<K extends keyof ProcessEventMap>(event: K, listener: Listener<K>, context?: unknown): this {
    return super.once(event, this.#guard(listener), context)
  }

  override off<K extends keyof ProcessEventMap>(
    event: K,
    listener?: Listener<K>,
    context?: unknown,
    once?: boolean,
  ): this {
    return super.removeListener(event, listener && this.#guard(listener), context, once)
  }

  override removeListener<K extends keyof ProcessEventMap>(
    event: K,
    listener?: Listener<K>,
    context?: unknown,
    once?: boolean,
  ): this {
    return super.removeListener(event, listener && this.#guard(listener), context, once)
  }

  #guard<L extends AnyListener>(listener: L): L {
    let guard = this.#guards.get(listener)
    if (guard === undefined) {
      const report = this.#report
      guard = function (this: unknown, ...args: unknown[]): void {
        try {
          const result = listener.apply(this, args)
          if (isThenable(result)) result.then(undefined, report)
        } catch (error) {
          report(error)
        }
      }
      this.#guards.set(listener, guard)
    }
    return guard as L
  }
}
