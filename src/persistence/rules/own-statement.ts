import { SpecError } from '../../shared/errors.ts'

const COMMENT = /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)+/
const REFUSED =
  /^(begin|start|commit|end|rollback|abort|savepoint|release|prepare|pragma|attach|detach|vacuum)\b/i

/**
 * Checks a statement of the user in a transaction of the store, whose beginning and end are the store's.
 *
 * @throws SpecError for a statement that begins or ends a transaction, or changes the connection
 */
export function checkOwnStatement(sql: unknown): void {
  if (typeof sql !== 'string') throw new SpecError('a statement of a transaction is a string')
  const [, word] = REFUSED.exec(sql.replace(COMMENT, '')) ?? []
  if (word === undefined) return
  throw new SpecError(
    `a function of this.transaction can't run ${word.toUpperCase()}: the store begins and ends the transaction`,
  )
}

/** Why a transaction takes no more statements. */
export function transactionOver(): SpecError {
  return new SpecError(
    'the transaction is over: use `tx` only within the function of this.transaction, and await all that it does',
  )
}
