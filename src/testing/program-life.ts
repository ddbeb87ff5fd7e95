import type { Outcome } from '../persistence/contract/outcomes.ts'
import type { Store } from '../persistence/contract/store.ts'
import type { Write } from '../persistence/contract/writes.ts'
import { alarm, type Clock } from '../shared/clock.ts'
import type { CrashPoint } from './crash-point.ts'

/** Decides where a program crashes. */
export interface Crashing {
  /** Whether it crashes at this commit, and when then. */
  at(writes: readonly Write[]): CrashPoint['when'] | undefined
  /** It has crashed. */
  crashed(): void
}

/**
 * One life of a program that runs inside of another one: its store and its clock, for as long as it lives.
 *
 * When it is over, as after `kill -9`, what the program has begun is never answered, nothing more of it reaches the store, and no timer
 * calls it. So all that it still does goes no further than to where it next needs one of them.
 */
export class ProgramLife {
  readonly store: Store
  readonly clock: Clock
  readonly #behind: Store
  readonly #crashing: Crashing
  readonly #timers = new Set<() => void>()
  #over = false

  constructor(store: Store, clock: Clock, crashing: Crashing) {
    this.#behind = store
    this.#crashing = crashing
    this.store = this.#mortalStore()
    this.clock = this.#mortalClock(clock)
  }

  get over(): boolean {
    return this.#over
  }

  end(): void {
    this.#over = true
    for (const takeBack of this.#timers) takeBack()
    this.#timers.clear()
  }

  #mortalStore(): Store {
    const calls: Partial<Store> = {
      commit: (writes) => this.#whileAlive(() => this.#commit(writes)),
      watch: (listener) =>
        this.#behind.watch((changes) => {
          if (!this.#over) listener(changes)
        }),
    }
    return new Proxy(this.#behind, {
      get: (target, name) => {
        if (name in calls) return Reflect.get(calls, name) as unknown
        const member: unknown = Reflect.get(target, name, target)
        if (typeof member !== 'function') return member
        return (...args: unknown[]) =>
          this.#whileAlive(() => Reflect.apply(member, target, args) as Promise<unknown>)
      },
    })
  }

  async #commit(writes: readonly Write[]): Promise<readonly Outcome[]> {
    const when = this.#crashing.at(writes)
    if (when === undefined) return this.#behind.commit(writes)
    // Nobody there hears of the changes that its last commit makes, either.
    this.end()
    if (when === 'after') await this.#behind.commit(writes)
    this.#crashing.crashed()
    return []
  }

  /** Never settles once the life is over. */
  async #whileAlive<T>(call: () => Promise<T>): Promise<T> {
    if (this.#over) await never()
    try {
      return await call()
    } finally {
      if (this.#over) await never()
    }
  }

  #mortalClock(clock: Clock): Clock {
    const timed = (set: (callback: () => void) => () => void, callback: () => void): (() => void) => {
      if (this.#over) return () => {}
      const takeBack = set(() => {
        this.#timers.delete(takeBack)
        callback()
      })
      this.#timers.add(takeBack)
      return () => {
        this.#timers.delete(takeBack)
        takeBack()
      }
    }
    return {
      now: () => clock.now(),
      after: (delay, callback, kind) => timed((call) => clock.after(delay, call, kind), callback),
      ...(clock.at !== undefined && {
        at: (time, callback) => timed((call) => alarm(clock, time, call), callback),
      }),
    }
  }
}

function never(): Promise<never> {
  return new Promise(() => {})
}
