import { DamsonError } from '../../shared/errors.ts'

/**
 * One item of a transaction failed, and the others may be sound (C9). The transaction is repeated
 * without it: after an error on a damaged page, SQLite commits nothing more of a transaction, not
 * even what follows a savepoint.
 */
export class FailedAlone<Item> extends DamsonError {
  readonly item: Item

  constructor(item: Item, cause: unknown) {
    super('one of several failed', { cause })
    this.item = item
  }
}
