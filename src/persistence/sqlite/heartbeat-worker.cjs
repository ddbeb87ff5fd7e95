// @ts-check
'use strict'

/*
 * Writes the heartbeat of one engine off its main thread, so that a long computation there does not cost the engine its
 * processes. `heartbeat-worker-source.ts` hands this text to the worker: it may require only Node's own modules and the driver.
 *
 * SQLite must never wait in this thread. A thread that ends while SQLite waits for a lock aborts the whole program (C12), so
 * the busy timeout is 0, a taken lock is retried by a timer, and the thread ends only by itself.
 */

const { parentPort, workerData } = require('node:worker_threads')

/** @type {import('./heartbeat-worker-data.ts').HeartbeatData} */
const { driver, path, beat, values, lease, gap, flags, rhythm } = workerData
/** @type {typeof import('better-sqlite3')} */
const Database = require(driver)

const [MOVES, STOP, INSIDE] = [0, 1, 2]
const [SINCE, LAST] = [0, 1]
const interval = lease / 3
/** The main thread counts as stuck when it has not moved for this many milliseconds. */
const patience = lease * 10
/** The first and the longest pause before a write that found the lock taken is tried again, in milliseconds. */
const FIRST_PAUSE = 1
const LONGEST_PAUSE = Math.min(50, lease / 60)

const db = new Database(path, { timeout: 0, fileMustExist: true })
/** @type {import('better-sqlite3').Statement<unknown[]> | undefined} */
let statement
let seen = Atomics.load(flags, MOVES)
let movedAt = performance.now()
let pause = FIRST_PAUSE
/** @type {NodeJS.Timeout | undefined} */
let timer = setTimeout(tick, interval)

function tick() {
  const moves = Atomics.load(flags, MOVES)
  if (moves !== seen) {
    seen = moves
    movedAt = performance.now()
  }
  const isStuck = performance.now() - movedAt > patience
  if (isStuck || write()) {
    pause = FIRST_PAUSE
    timer = setTimeout(tick, interval)
  } else {
    pause = Math.min(LONGEST_PAUSE, pause * 2)
    timer = setTimeout(tick, pause * (0.5 + Math.random() / 2))
  }
}

/** Whether the beat is written. A program that ends waits until this thread has left SQLite (`heartbeat.ts`). */
function write() {
  Atomics.store(flags, INSIDE, 1)
  try {
    if (Atomics.load(flags, STOP) === 1) return true
    if (statement === undefined) {
      db.pragma('synchronous = FULL')
      statement = db.prepare(beat)
    }
    statement.run(...values, Date.now() + lease)
    noteBeat()
    return true
  } catch {
    // The lock is taken, or the disk fails just now.
    return false
  } finally {
    Atomics.store(flags, INSIDE, 0)
    Atomics.notify(flags, INSIDE)
  }
}

/** After a gap it is not known what happened meanwhile: the engine counts as awake only from now on. */
function noteBeat() {
  const now = process.hrtime.bigint() / 1000n
  if (now - Atomics.load(rhythm, LAST) > BigInt(Math.round(gap * 1000))) Atomics.store(rhythm, SINCE, now)
  Atomics.store(rhythm, LAST, now)
}

parentPort?.once('message', () => {
  clearTimeout(timer)
  db.close()
})
parentPort?.postMessage('ready')
