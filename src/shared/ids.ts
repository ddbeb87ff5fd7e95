import { v7 } from 'uuid'
import { wallClock } from './timers.ts'

/** A pid as Damson makes it. A pid that a caller chose has a meaning, so it is never shortened. */
export const GENERATED_PID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/**
 * The number of ids for which random bytes are requested together, since a request costs more than
 * an id.
 */
const IDS_PER_POOL = 256
const BYTES = 16

let pool = new Uint8Array(0)
let used = 0
let lastTime = 0
let sequence = 0

/**
 * Returns a new pid. It is a UUIDv7, so pids sort by time and keep the store's index compact. The
 * pids of one program sort in the order of their creation, even within a millisecond.
 */
export function newPid(): string {
  if (used === pool.length) {
    pool = globalThis.crypto.getRandomValues(new Uint8Array(IDS_PER_POOL * BYTES))
    used = 0
  }
  const random = pool.subarray(used, (used += BYTES))
  const now = wallClock()
  // The order holds even if the clock is set back.
  sequence = now > lastTime ? 0 : sequence + 1
  lastTime = Math.max(now, lastTime)
  return v7({ random, msecs: lastTime, seq: sequence })
}

/** The name of a group to which the caller gives none. */
export function newGroupName(): string {
  return `group-${newPid()}`
}
