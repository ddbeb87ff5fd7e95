import { PostgresStore } from '../../src/persistence/postgres/index.ts'
import type { Clock } from '../../src/shared/clock.ts'
import type { OpenedStore } from '../persistence/store-bench.ts'
import { HAS_MORE, runsMore } from '../run/extent.ts'
import { answered, patient } from './patience.ts'
import { areAllAsked, POSTGRES } from './server.ts'
import { sharedServer } from './shared-server.ts'

/*
 * One store for all tests of a program, which is cleared for each of them: to open one takes longer than most of the tests,
 * since each of its connections plans its statements anew.
 */

/** Other programs of the same run have schemas of their own. */
export const TEST_SCHEMA = `tests ${process.pid}`

let opened: Promise<PostgresStore> | undefined
let clock: Clock | undefined

/** The store, empty, on the clock of a test. A test need not close it. */
export async function clearedStore(ofTest: Clock): Promise<PostgresStore> {
  clock = ofTest
  opened ??= PostgresStore.open(sharedServer(), {
    schema: TEST_SCHEMA,
    clock: { now: () => (clock as Clock).now(), after: () => () => {} },
  })
  const store = await opened
  await store.clear()
  return new Proxy(store, {
    get(target, name) {
      if (name === 'close') opened = undefined
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
}

export async function closeStore(): Promise<void> {
  await (await opened)?.close()
  opened = undefined
}

/** The store for the suite of all back ends. */
export async function openEmpty(ofTest: Clock): Promise<OpenedStore> {
  const store = await clearedStore(ofTest)
  return { store, kill: (id) => store.forget(id), dispose: async () => {} }
}

/** The store, empty, where the clock of the test waits for what the store answers. `close` leaves it open. */
export async function patientStore(ofTest: Clock): Promise<PostgresStore> {
  return patient(ofTest, await clearedStore(ofTest), { close: () => answered(ofTest) })
}

/** Whether the suites that other stores have run over Postgres too. */
export const RUNS_OVER_POSTGRES: boolean = runsMore && areAllAsked && POSTGRES !== undefined

/** What they do over Postgres, `npm test` leaves out. */
export const OVER_POSTGRES = HAS_MORE
