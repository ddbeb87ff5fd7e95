import type { Store } from '../../src/persistence/contract/store.ts'
import type { Clock } from '../../src/shared/clock.ts'

/*
 * A simulated clock takes it for quiet when it has not been read for some turns of the event loop. A store on a server answers
 * later than that.
 */

interface QuietClock extends Clock {
  quiet(): Promise<void>
}

/** By clock, what its stores have not answered yet, and how much they have answered. */
const asked = new WeakMap<Clock, Calls>()

interface Calls {
  readonly pending: Set<Promise<unknown>>
  answered: number
}

/** The same store but for some methods. What the clock is asked to wait for includes the answers of this store. */
export function patient<S extends Store>(clock: Clock, store: S, methods: Partial<Store> = {}): S {
  const calls = callsOf(clock)
  return new Proxy(store, {
    get: (target, name) => {
      if (name in methods) return Reflect.get(methods, name) as unknown
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => {
        const answer: unknown = Reflect.apply(member, target, args)
        if (answer instanceof Promise) {
          const settled = answer
            .catch(() => {})
            .then(() => {
              calls.answered++
              calls.pending.delete(settled)
            })
          calls.pending.add(settled)
        }
        return answer
      }
    },
  })
}

function callsOf(clock: Clock): Calls {
  const known = asked.get(clock)
  if (known !== undefined) return known
  const calls: Calls = { pending: new Set(), answered: 0 }
  asked.set(clock, calls)
  if ('quiet' in clock) {
    const moved = clock as QuietClock
    const quiet = moved.quiet.bind(moved)
    moved.quiet = async () => {
      for (;;) {
        const before = calls.answered
        await quiet()
        // Who has just been answered goes on only now.
        if (calls.pending.size === 0 && calls.answered === before) return
        if (calls.pending.size > 0) await Promise.race(calls.pending)
      }
    }
  }
  return calls
}

/** Resolves when the stores of the clock have answered everything. */
export async function answered(clock: Clock): Promise<void> {
  const { pending } = callsOf(clock)
  while (pending.size > 0) await Promise.all(pending)
}

/** Whether the clock becomes quiet within so many turns of the event loop, beside those in which a store has yet to answer. */
export async function comesToRest(clock: QuietClock, turns: number): Promise<boolean> {
  const rest = { quiet: false }
  void clock.quiet().then(() => (rest.quiet = true))
  for (let left = turns; !rest.quiet; left--) {
    if (left === 0) return false
    while ((asked.get(clock)?.pending.size ?? 0) > 0) await answered(clock)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return true
}
