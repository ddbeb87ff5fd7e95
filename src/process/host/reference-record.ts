/**
 * A group in a file or as JSON: only references. The results stay in the store, whose id is
 * `store`.
 */
export interface GroupRecord {
  readonly version: 1
  readonly name: string
  readonly store: string
  readonly pids: readonly string[]
  readonly ordered: boolean
  /** The number of items of each process, if some are chunks; null for a process that is not a chunk. */
  readonly items?: readonly (number | null)[]
}

/** One process in a file. */
export interface HandleRecord {
  readonly version: 1
  readonly store: string
  readonly pid: string
}
