import type { Outcome } from '../contract/outcomes.ts'
import type { Change } from '../contract/rows.ts'
import type { OpenTransaction } from '../contract/store.ts'
import type { StepRecord } from '../contract/writes.ts'
import { applyWrite } from '../rules/write.ts'
import { ClosedError, PersistenceError } from '../../shared/errors.ts'
import { pause } from '../../shared/timers.ts'
import type { Database } from './database.ts'
import { requireCommits, OwnTransaction } from './own-transaction.ts'
import type { Committer, Stored } from './committer.ts'
import { wantedBy } from './wanted-by.ts'

/** How long to wait before the server is asked again, in milliseconds. */
const PAUSE = 500

const RECORDS = 'SELECT records FROM @process WHERE pid = $1 AND fence = $2'

/** The transactions in which the user's functions work. */
export class OwnTransactions {
  readonly #database: Database
  readonly #committer: Committer
  readonly #committed: (stored: Stored, changes: readonly Change[]) => void

  /** `committed` is called after a commit that has stored something. */
  constructor(
    database: Database,
    committer: Committer,
    committed: (stored: Stored, changes: readonly Change[]) => void,
  ) {
    this.#database = database
    this.#committer = committer
    this.#committed = committed
  }

  /** Waits for the server if it can't be reached. */
  async begin(): Promise<OpenTransaction> {
    const own = await untilReached(() => OwnTransaction.begin(this.#database))
    return {
      tx: own.tx,
      commit: (record) => this.#commit(own, record),
      rollback: () => own.rollback(),
      get isLost() {
        return own.isLost
      },
    }
  }

  async #commit(own: OwnTransaction, record: StepRecord): Promise<Outcome> {
    own.end()
    try {
      const { value, changes, stored } = await this.#committer.run(
        'saving a transaction of a step',
        wantedBy([record]),
        (session) => applyWrite(session, record, new Set()),
        own,
      )
      if (value.status !== 'done' || stored === undefined) {
        await own.rollback()
        return value
      }
      try {
        await own.commit()
      } catch (error) {
        if (!(await untilReached(() => this.#isStored(record)))) throw error
      }
      this.#committed(stored, changes)
      return value
    } catch (error) {
      await own.rollback()
      throw error
    }
  }

  /** Whether a record was stored whose answer was lost. While its commit waits for a replica, that is open. */
  async #isStored({ pid, fence, count }: StepRecord): Promise<boolean> {
    await requireCommits(this.#database)
    const [row] = await this.#database.query<{ readonly records: number }>(
      'looking for a step record',
      RECORDS,
      [pid, fence],
    )
    return row !== undefined && row.records >= count
  }
}

/** Tries again while the server can't be reached. @throws ClosedError if the store is closed */
async function untilReached<T>(action: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await action()
    } catch (error) {
      if (error instanceof ClosedError || !(error instanceof PersistenceError)) throw error
    }
    await pause(PAUSE)
  }
}
