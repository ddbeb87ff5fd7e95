import { Worker } from 'node:worker_threads'
import { type Clock, systemClock } from '../../shared/clock.ts'
import type { EngineRecord } from '../row.ts'
import type { Connection } from './connection.ts'
import { BEAT, beatValues } from './engines.ts'

/** What the worker is given. */
export interface HeartbeatData {
  readonly path: string
  readonly beat: string
  /** All of the row but when it expires. */
  readonly values: readonly unknown[]
  /** Milliseconds. */
  readonly lease: number
  /** Counted up by the main thread, to show that it moves. */
  readonly moves: SharedArrayBuffer
}

/** Keeps the lease of one engine: a beat three times in each. */
export class Heartbeat {
  readonly #stop: () => Promise<void>

  private constructor(stop: () => Promise<void>) {
    this.#stop = stop
  }

  /** By a worker thread; with a clock that is not the machine's, by that clock, so that a test can move it. */
  static start(connection: Connection, engine: EngineRecord, clock: Clock): Heartbeat {
    return new Heartbeat(
      clock === systemClock ? byWorker(connection, engine) : byClock(connection, engine, clock),
    )
  }

  stop(): Promise<void> {
    return this.#stop()
  }
}

function byWorker(connection: Connection, engine: EngineRecord): () => Promise<void> {
  const { lease } = engine
  const moves = new SharedArrayBuffer(4)
  const counter = new Int32Array(moves)
  const moving = setInterval(() => void Atomics.add(counter, 0, 1), lease / 2)
  moving.unref()
  const data: HeartbeatData = {
    path: connection.path,
    beat: BEAT,
    values: beatValues(engine).slice(0, -1),
    lease,
    moves,
  }
  const worker = new Worker(new URL('./heartbeat-worker.js', import.meta.url), {
    workerData: data,
    execArgv: [],
  })
  worker.unref()
  // Without it the lease ends, and others take over; nothing that could be done here is better.
  worker.on('error', () => {})
  return async () => {
    clearInterval(moving)
    await worker.terminate()
  }
}

function byClock(connection: Connection, engine: EngineRecord, clock: Clock): () => Promise<void> {
  const { lease } = engine
  let beating: Promise<void> = Promise.resolve()
  let cancel: () => void
  const arm = (): void => {
    const beat = (): void => {
      const values = beatValues({ ...engine, expires: Math.round(clock.now() + lease) })
      beating = connection
        .write('a heartbeat', () => void connection.sql(BEAT).run(...values))
        .catch(() => {})
      arm()
    }
    cancel = clock.after(lease / 3, beat, 'beat')
  }
  arm()
  return async () => {
    cancel()
    await beating
  }
}
