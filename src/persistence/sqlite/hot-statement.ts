import type { Connection } from './connection.ts'
import { LONGEST_RECENT } from './history-lines.ts'
import { LONGEST_LINES, type PartChange } from './row-parts.ts'

/** What a hot statement changes in the parts of a process. */
export interface PartsTarget {
  /** Whether parts are stored beside the row, as far as is known. */
  readonly beside: number
  readonly change: PartChange
  /** Whether the step's record is dropped, or with success also what is kept between steps. */
  readonly drops: 'nothing' | 'record' | 'checkpoint'
}

const DROPPED: Readonly<Record<PartsTarget['drops'], string>> = {
  nothing: '',
  record: 'record = NULL, ',
  checkpoint: 'memory = NULL, record = NULL, ',
}
const DROPS = Object.keys(DROPPED)
/** What else a statement changes, as a bit set, in addition to the number of what it drops. */
const [INPUTS, MEMORY, SMALL, LARGE, ANY] = [4, 8, 16, 32, 64] as const

/**
 * An update of a row with its parts, in one statement for each set of columns that changes. It
 * finds no row whose columns are full, or that differs from what is known.
 */
export class HotStatement {
  readonly #set: string
  readonly #where: string
  #plain: string | undefined
  /** The other texts by the set of columns. Made once, since a long text is looked up by its object. */
  readonly #texts: string[] = []

  constructor(set: string, where: string) {
    this.#set = set
    this.#where = where
  }

  /** Returns whether the row was found. `values` are those of the statement without the parts. */
  run(connection: Connection, target: PartsTarget, values: unknown[]): boolean {
    const { beside, change, drops } = target
    if (!change.any && drops === 'nothing') {
      this.#plain ??= this.#text(0, drops)
      return connection.sql(this.#plain).run(values).changes === 1
    }
    const { inputs, memory, small, large } = change
    let columns = DROPS.indexOf(drops) + ANY
    const changed: unknown[] = []
    const put = (column: number, value: unknown): void => {
      columns += column
      changed.push(value)
    }
    if (inputs !== undefined) put(INPUTS, inputs)
    if (memory !== undefined) put(MEMORY, memory)
    if (small !== undefined) put(SMALL, small)
    if (large.length > 0) columns += LARGE
    const text = (this.#texts[columns] ??= this.#text(columns, drops))
    return connection.sql(text).run([...changed, ...values, beside]).changes === 1
  }

  #text(columns: number, drops: PartsTarget['drops']): string {
    let set = DROPPED[drops]
    let where = `${this.#where} AND octet_length(recent) < ${LONGEST_RECENT}`
    if ((columns & INPUTS) !== 0) set += 'inputs = ?, '
    if ((columns & MEMORY) !== 0) set += 'memory = ?, '
    if ((columns & SMALL) !== 0) {
      set += "small = coalesce(small, '') || ?, "
      where += ` AND coalesce(octet_length(small), 0) < ${LONGEST_LINES}`
    }
    if ((columns & LARGE) !== 0) set += 'beside = 1, '
    if (columns !== 0) where += ' AND beside = ?'
    return `UPDATE process SET ${set}${this.#set} ${where}`
  }
}
