import { DamsonError } from '../../shared/errors.ts'

/**
 * One item of a transaction failed, and the others may be sound (C9). The transaction is made again
 * without it: after an error over a damaged page SQLite commits nothing more of a transaction, not
 * even what comes after a savepoint.
 */
export class FailedAlone<Item> extends DamsonError {
  readonly item: Item

  constructor(item: Item, cause: unknown) {
    super('one of several failed', { cause })
    this.item = item
  }
}
