import { v7 } from 'uuid'

/** Random bytes are asked for this many ids at a time, since asking costs more than making an id. */
const IDS_PER_POOL = 256
const BYTES = 16

let pool = new Uint8Array(0)
let used = 0
let lastTime = 0
let sequence = 0

/**
 * A new pid: a UUIDv7, so that pids sort by time and keep the store's index compact. Those of one program sort in the order in which
 * they were made, also within a millisecond.
 */
export function newPid(): string {
  if (used === pool.length) {
    pool = globalThis.crypto.getRandomValues(new Uint8Array(IDS_PER_POOL * BYTES))
    used = 0
  }
  const random = pool.subarray(used, (used += BYTES))
  const now = Date.now()
  // A clock that was set back does not turn the order round.
  sequence = now > lastTime ? 0 : sequence + 1
  lastTime = Math.max(now, lastTime)
  return v7({ random, msecs: lastTime, seq: sequence })
}
