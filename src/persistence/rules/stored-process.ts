import { Bundle } from '../../bundle/bundle.ts'
import { callRow, processRow, type CallRow, type Row } from './row.ts'
import type { ProcessRow, StoredCall, StoredProcess } from '../contract/rows.ts'
import type { Parts } from '../contract/writes.ts'

/** A process with its parts. The bundle is put together on demand. */
export class LoadedProcess implements StoredProcess {
  readonly row: ProcessRow
  readonly fence: number
  readonly #parts: Parts
  readonly #before: string | null

  constructor(row: Row, parts: Parts) {
    this.row = processRow(row)
    this.fence = row.fence
    this.#before = row.before
    this.#parts = { ...parts, state: row.data }
  }

  bundle(): Bundle {
    return bundleOf(this.row, this.#parts)
  }

  before(): string | undefined {
    return this.#before ?? undefined
  }
}

/** A call of an actor with its parts. */
export class LoadedCall implements StoredCall {
  readonly row: StoredCall['row']
  readonly fence: number
  readonly #parts: Parts

  constructor(row: CallRow, parts: Parts) {
    this.row = callRow(row)
    this.fence = row.fence
    this.#parts = { ...parts, state: row.data }
  }

  bundle(): Bundle {
    return bundleOf(this.row, this.#parts)
  }
}

function bundleOf(row: Omit<StoredCall['row'], 'retryAt'>, parts: Parts): Bundle {
  return Bundle.fromParts(
    {
      class: row.className,
      version: row.version,
      pid: row.pid,
      created: new Date(row.createdAt).toISOString(),
      ...(row.parent !== null && { parent: row.parent }),
      seq: row.seq,
      ...(row.paused !== null && { paused: { message: row.paused.message ?? undefined } }),
      ...(row.status !== null && { status: row.status }),
    },
    parts,
  )
}
