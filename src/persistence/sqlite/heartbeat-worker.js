// @ts-check
import { workerData } from 'node:worker_threads'
import Database from 'better-sqlite3'

/*
 * Beats for an engine off its main thread, so that a long computation there does not cost it its processes. It is plain
 * JavaScript because a worker is loaded by Node alone, without whatever compiles the rest.
 */

/** @type {import('./heartbeat.ts').HeartbeatData} */
const { path, beat, values, lease, moves } = workerData
const counter = new Int32Array(moves)
/** The main thread counts as stuck when it has not moved for so long, in milliseconds. */
const patience = lease * 10

const db = new Database(path, { timeout: Math.max(100, Math.floor(lease / 3)) })
db.pragma('synchronous = FULL')
const statement = db.prepare(beat)
let seen = Atomics.load(counter, 0)
let seenAt = performance.now()

function tick() {
  const now = Atomics.load(counter, 0)
  if (now !== seen) {
    seen = now
    seenAt = performance.now()
  }
  if (performance.now() - seenAt > patience) return
  try {
    statement.run(...values, Date.now() + lease)
  } catch {
    // The next beat tries again; if none succeeds, the lease ends, as it should.
  }
}

setInterval(tick, lease / 3)
