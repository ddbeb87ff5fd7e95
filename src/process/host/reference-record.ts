/**
 * A group in a file or as JSON: references alone. The results stay in the store, whose id is `store`.
 */
export interface GroupRecord {
  readonly version: 1
  readonly name: string
  readonly store: string
  readonly pids: readonly string[]
  readonly ordered: boolean
  /** The number of items of each process, where some are chunks; null for one that is none. */
  readonly items?: readonly (number | null)[]
}

/** One process in a file. */
export interface HandleRecord {
  readonly version: 1
  readonly store: string
  readonly pid: string
}
