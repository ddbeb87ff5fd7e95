import type { Bundle } from '../../bundle/bundle.ts'

/** The name of a saved bundle. */
export interface Checkpoint {
  readonly pid: string
  /** Tells several checkpoints of one process apart; null for the one without a tag. */
  readonly tag: string | null
}

/** Keeps bundles by pid and tag. Saving under the same pid and tag replaces the earlier bundle. */
export interface Persister {
  /**
   * @throws SerializationError if the bundle can't be saved
   * @throws PersistenceError for the untagged checkpoint of a process that lives in this store,
   *   which only its engine writes
   */
  saveCheckpoint(bundle: Bundle, tag?: string): Promise<void>
  /** @throws CheckpointNotFound */
  loadCheckpoint(pid: string, tag?: string): Promise<Bundle>
  /** All checkpoints of the store. */
  getCheckpoints(): Promise<readonly Checkpoint[]>
  /** The checkpoints of one process. */
  getProcessCheckpoints(pid: string): Promise<readonly Checkpoint[]>
  /** Does nothing if there is no such checkpoint. */
  deleteCheckpoint(pid: string, tag?: string): Promise<void>
  /** Deletes all checkpoints of one process. */
  deleteProcessCheckpoints(pid: string): Promise<void>
}
