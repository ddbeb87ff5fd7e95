import type { Clock, Store } from '../../src/index.ts'

/** A commit of a program at which it dies: before it begins, or when it is durable and nobody has been told. */
export interface Death {
  /** Counted from 1. */
  readonly commit: number
  readonly when: 'before' | 'after'
}

type Commit = Store['commit']

function never(): Promise<never> {
  return new Promise(() => {})
}

/**
 * What a program has of the world: a store and a clock, until it dies, as by `kill -9`. From then on no answer comes to what it has begun,
 * nothing more of it reaches the store, and no timer calls it.
 */
export class Program {
  readonly store: Store
  readonly clock: Clock
  /** Resolves when it has died. */
  readonly death: Promise<void>
  readonly #behind: Store
  readonly #death: Death | undefined
  readonly #timers = new Set<() => void>()
  #commits = 0
  #dead = false
  #die!: () => void

  constructor(store: Store, clock: Clock, death: Death | undefined) {
    this.#behind = store
    this.#death = death
    this.death = new Promise((resolve) => (this.#die = resolve))
    this.store = this.#mortalStore()
    this.clock = this.#mortalClock(clock)
  }

  end(): void {
    this.#stop()
    this.#die()
  }

  #stop(): void {
    this.#dead = true
    for (const cancel of this.#timers) cancel()
  }

  #mortalStore(): Store {
    const commit: Commit = (writes) => this.#whileAlive(() => this.#commit(writes))
    const watch: Store['watch'] = (listener) =>
      this.#behind.watch((changes) => {
        if (!this.#dead) listener(changes)
      })
    return new Proxy(this.#behind, {
      get: (target, name) => {
        if (name === 'commit') return commit
        if (name === 'watch') return watch
        const member: unknown = Reflect.get(target, name, target)
        if (typeof member !== 'function') return member
        return (...args: unknown[]) =>
          this.#whileAlive(() => Reflect.apply(member, target, args) as Promise<unknown>)
      },
    })
  }

  async #commit(writes: Parameters<Commit>[0]): ReturnType<Commit> {
    const dies = ++this.#commits === this.#death?.commit
    // It hears no more of what others do, nor of this very commit.
    if (dies) this.#stop()
    const outcomes = dies && this.#death?.when === 'before' ? [] : await this.#behind.commit(writes)
    if (dies) this.#die()
    return outcomes
  }

  /** Never settles once it is dead. */
  async #whileAlive<T>(call: () => Promise<T>): Promise<T> {
    if (this.#dead) await never()
    try {
      return await call()
    } finally {
      if (this.#dead) await never()
    }
  }

  #mortalClock(clock: Clock): Clock {
    const timed = (set: (callback: () => void) => () => void, callback: () => void): (() => void) => {
      if (this.#dead) return () => {}
      const cancel = set(() => {
        this.#timers.delete(cancel)
        callback()
      })
      this.#timers.add(cancel)
      return () => {
        this.#timers.delete(cancel)
        cancel()
      }
    }
    const { at } = clock
    return {
      now: () => clock.now(),
      after: (delay, callback, kind) => timed((call) => clock.after(delay, call, kind), callback),
      ...(at !== undefined && {
        at: (time, callback) => timed((call) => at.call(clock, time, call), callback),
      }),
    }
  }
}
