/** Keeps the lease of one engine alive with three heartbeats per lease. */
export interface Heartbeat {
  readonly lease: number
  /**
   * Since when the engine has been awake and able to write, by the monotonic clock: its heartbeats
   * had no gap of more than half a lease. Undefined after such a gap, until the next heartbeat.
   */
  awakeSince(now: number): number | undefined
  stop(): Promise<void>
}

/**
 * The longest time between two beats after which an engine still counts as awake: a part of its
 * lease.
 */
export function longestGap(lease: number): number {
  return lease / 2
}
