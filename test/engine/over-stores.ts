import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, type TestOptions } from 'vitest'
import {
  Client,
  Engine,
  MemoryStore,
  type AnyProcessClass,
  type Clock,
  type EngineOptions,
  type ProcessRow,
  type Store,
} from '../../src/index.ts'
import { SqliteStore } from '../../src/persistence/sqlite/index.ts'
import type { Write } from '../../src/persistence/contract/writes.ts'
import { intercept } from '../../src/testing/intercept.ts'
import { SimulatedClock, unreliable } from '../../src/testing/index.ts'
import { OVER_POSTGRES, patientStore, RUNS_OVER_POSTGRES } from '../postgres/shared-store.ts'
import { defer } from '../../src/process/state/deferred.ts'
import { closeGates } from './processes.ts'

/** What a test needs to run processes over one kind of store; made anew for each test. */
export interface Over {
  readonly store: Store
  readonly clock: SimulatedClock
  /** A test with very many processes makes so many times fewer: 1, or more where each commit goes to a server. */
  readonly slowness: number
  /** An engine with these classes. */
  engine(processes: readonly AnyProcessClass[], options?: Partial<EngineOptions>): Promise<Engine>
  /** A client that knows no class, unless some are given. */
  client(processes?: readonly AnyProcessClass[]): Promise<Client>
}

type Opened = readonly [store: Store, dispose: () => Promise<void>]

const KINDS: readonly (readonly [
  name: string,
  open: (clock: Clock) => Promise<Opened>,
  options?: TestOptions,
])[] = [
  [
    'memory',
    async (clock) => {
      const store = new MemoryStore({ clock })
      return [store, () => store.close()]
    },
  ],
  [
    'SQLite',
    async (clock) => {
      const folder = await mkdtemp(join(tmpdir(), 'damson-engine-'))
      const store = await SqliteStore.open(join(folder, 'test.db'), { clock })
      return [
        store,
        async () => {
          await store.close()
          await rm(folder, { recursive: true })
        },
      ]
    },
  ],
  [
    'a memory store that delays, fails and loses acknowledgements',
    async (clock) => {
      // Rarely enough that what a caller asks for is not given up.
      const store = unreliable(new MemoryStore({ clock }), { seed: 7, lost: 0.04, failed: 0.02 })
      return [store, () => store.close()]
    },
  ],
  ...(RUNS_OVER_POSTGRES
    ? [
        [
          'Postgres',
          async (clock: Clock): Promise<Opened> => {
            const store = await patientStore(clock)
            return [store, () => store.close()]
          },
          OVER_POSTGRES,
        ] as const,
      ]
    : []),
]

/** What must hold over any store, with a clock that stands still until the test moves it. */
export function overEachStore(tests: (over: () => Over, kind: string) => void): void {
  for (const [name, open, options = {}] of KINDS)
    describe(`over ${name}`, options, () => {
      let over: Over
      let disposers: (() => Promise<void>)[]

      beforeEach(async () => {
        const clock = new SimulatedClock()
        const [store, dispose] = await open(clock)
        disposers = [dispose]
        over = {
          store,
          clock,
          slowness: options === OVER_POSTGRES ? 5 : 1,
          engine: async (processes, options = {}) => {
            const engine = await Engine.open({ store, clock, handleSignals: false, ...options, processes })
            disposers.push(() => engine.close({ drain: 0 }))
            return engine
          },
          client: async (processes) => {
            const client = await Client.open({ store, clock, processes })
            disposers.push(() => client.close())
            return client
          },
        }
      })
      afterEach(async () => {
        closeGates()
        for (const dispose of disposers.toReversed()) await dispose()
      })

      tests(() => over, name)
    })
}

/** A store that answers late, as one across a network may. */
export interface AnsweringLate {
  readonly store: Store
  /** Resolves once the first commit that is answered late is durable. */
  readonly committed: Promise<void>
  /** Gives all answers. */
  answer(): void
}

/** A store that answers the commits late that hold a write which fits. */
export function answeringLate(store: Store, fits: (write: Write) => boolean): AnsweringLate {
  const committed = defer<void>()
  const answered = defer<void>()
  const late = intercept(store, (commit) => async (writes) => {
    const outcomes = await commit(writes)
    if (writes.some(fits)) {
      committed.resolve()
      await answered.promise
    }
    return outcomes
  })
  return { store: late, committed: committed.promise, answer: () => answered.resolve() }
}

/** Waits until what the store says of a process fits, by the changes that it reports. */
export async function untilRow(
  store: Pick<Store, 'read' | 'watch'>,
  pid: string,
  fits: (row: ProcessRow) => boolean,
): Promise<ProcessRow> {
  let stop: (() => void) | undefined
  try {
    return await new Promise((resolve, reject) => {
      const look = (): void => {
        store.read(pid).then((row) => {
          if (row !== undefined && fits(row)) resolve(row)
        }, reject)
      }
      stop = store.watch((changes) => {
        if (changes.some((change) => change.pid === pid)) look()
      })
      look()
    })
  } finally {
    stop?.()
  }
}

export function untilWaiting(store: Pick<Store, 'read' | 'watch'>, pid: string): Promise<ProcessRow> {
  return untilRow(store, pid, ({ state }) => state === 'waiting')
}

export async function historyOf(client: Client, pid: string): Promise<readonly string[]> {
  return (await client.history(pid)).map(({ name }) => name)
}
