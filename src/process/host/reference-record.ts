/**
 * A group in a file or as JSON: references alone. The results stay in the store, whose id is `store`.
 */
export interface GroupRecord {
  readonly version: 1
  readonly name: string
  readonly store: string
  readonly pids: readonly string[]
  readonly ordered: boolean
}

/** One process in a file. */
export interface HandleRecord {
  readonly version: 1
  readonly store: string
  readonly pid: string
}
