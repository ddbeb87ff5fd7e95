import { onTestFinished } from 'vitest'
import type { Clock } from '../../src/index.ts'
import { SqliteStore } from '../../src/persistence/sqlite/index.ts'
import { aPath } from '../contracts/stores.ts'

/** The length of a pid in a list, with its quotes and a comma. */
const LISTED_PID = 39

/** An SQLite store that notes its statements. */
export class CountedReads {
  readonly store: SqliteStore
  readonly #ran: string[]

  private constructor(store: SqliteStore, ran: string[]) {
    this.store = store
    this.#ran = ran
  }

  static async open(clock: Clock): Promise<CountedReads> {
    const ran: string[] = []
    const store = await SqliteStore.open(await aPath(), { clock, trace: (sql) => ran.push(sql) })
    onTestFinished(() => store.close())
    return new CountedReads(store, ran)
  }

  /** The number of processes that each query about rows or processes has named, since the last call. */
  take(): number[] {
    const queries = this.statements().filter((sql) =>
      /^SELECT[^]* FROM process (p CROSS JOIN part[^]*)?WHERE (p\.)?pid /.test(sql),
    )
    return queries.map((sql) => {
      // A statement is reported with the beginning of a long value, and the length of its rest.
      const [, listed, rest = '0'] = /json_each\('(.*)'(?:\/\*\+(\d+) bytes\*\/)?\)/.exec(sql) ?? []
      return listed === undefined ? 1 : (listed.length + Number(rest) - 1) / LISTED_PID
    })
  }

  /** The statements since the last call. */
  statements(): string[] {
    return this.#ran.splice(0)
  }
}
