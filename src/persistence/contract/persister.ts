import type { Bundle } from '../../bundle/bundle.ts'

/** Names one saved bundle: a process, and a tag where there are several of it. */
export interface Checkpoint {
  readonly pid: string
  readonly tag: string | null
}

/** Where bundles are kept under (pid, tag). Saving under the same pid and tag replaces. */
export interface Persister {
  /**
   * @throws SerializationError when the bundle can't be saved
   * @throws PersistenceError for the untagged checkpoint of a process that an engine of this store runs:
   *   only its engine writes that one (C1)
   */
  saveCheckpoint(bundle: Bundle, tag?: string): Promise<void>
  /** @throws CheckpointNotFound */
  loadCheckpoint(pid: string, tag?: string): Promise<Bundle>
  getCheckpoints(): Promise<readonly Checkpoint[]>
  getProcessCheckpoints(pid: string): Promise<readonly Checkpoint[]>
  /** Does nothing where there is none. */
  deleteCheckpoint(pid: string, tag?: string): Promise<void>
  deleteProcessCheckpoints(pid: string): Promise<void>
}
