/** The data that the worker thread of a heartbeat receives. */
export interface HeartbeatData {
  /**
   * The path of the driver's module. The worker runs from text, so it can't resolve the module
   * itself.
   */
  readonly driver: string
  readonly path: string
  readonly beat: string
  /** The row of the engine without its expiry. */
  readonly values: readonly unknown[]
  /** Milliseconds. */
  readonly lease: number
  /**
   * The longest time between two beats after which the engine still counts as awake, in
   * milliseconds.
   */
  readonly gap: number
  /**
   * Shared: how often the main thread has moved; whether nothing may be written any more; whether
   * the worker is in SQLite.
   */
  readonly flags: Int32Array
  /**
   * Shared: since when the engine has been awake, and its last beat, in microseconds of the
   * monotonic clock.
   */
  readonly rhythm: BigInt64Array
}
