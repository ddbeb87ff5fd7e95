import { once } from 'node:events'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { errorText } from '../../shared/error-text.ts'
import { monotonic, systemClock } from '../../shared/clock.ts'
import { PersistenceError } from '../../shared/errors.ts'
import type { EngineRecord } from '../rules/row.ts'
import { BEAT, beatValues } from './engine-table.ts'
import { longestGap, type Heartbeat } from './heartbeat.ts'
import type { HeartbeatData } from './heartbeat-worker-data.ts'
import { HEARTBEAT_SOURCE } from './heartbeat-worker-source.ts'
import { clearInterval, setInterval } from '../../shared/timers.ts'

/** The indexes of the flags and times that are shared with the worker. */
const [MOVES, STOP, INSIDE] = [0, 1, 2] as const
const [SINCE, LAST] = [0, 1] as const
/** How long a program that ends waits for the worker to leave SQLite, in milliseconds. */
const LONGEST_CALL = 1_000

/** The flags of the threads that run. */
const running = new Set<Int32Array>()

/**
 * The heartbeat of an engine from a thread of its own. Calls `died` when the thread ends without
 * having been stopped.
 *
 * The thread is never terminated from here, since Node aborts a program whose thread ends inside
 * SQLite (C12). A message asks the thread to end, and a program that ends waits until its thread
 * has left SQLite.
 */
export async function workerHeartbeat(
  path: string,
  engine: EngineRecord,
  died: () => void,
): Promise<Heartbeat> {
  const { lease } = engine
  const flags = new Int32Array(new SharedArrayBuffer(12))
  const rhythm = new BigInt64Array(new SharedArrayBuffer(16))
  const begun = BigInt(Math.round(monotonic(systemClock) * 1000))
  rhythm.fill(begun)
  const data: HeartbeatData = {
    driver: driverPath(),
    path,
    beat: BEAT,
    values: beatValues(engine).slice(0, -1),
    lease,
    gap: longestGap(lease),
    flags,
    rhythm,
  }
  const worker = new Worker(HEARTBEAT_SOURCE, { eval: true, workerData: data, execArgv: [] })
  const exit = new Promise<void>((resolve) => void worker.once('exit', () => resolve()))
  try {
    // Rejects with the error of a worker that can't load the driver or open the file.
    await Promise.race([
      once(worker, 'message'),
      exit.then(() => {
        throw new Error('its thread ended at once')
      }),
    ])
  } catch (error) {
    throw cannotStart(error)
  }
  worker.unref()
  const moving = setInterval(() => void Atomics.add(flags, MOVES, 1), lease / 2)
  moving.unref()
  let stopped = false
  leaveBeforeExit(flags)
  worker.on('error', () => {})
  void exit.then(() => {
    running.delete(flags)
    if (!stopped) died()
  })
  return {
    lease,
    awakeSince: (now) => {
      const last = Number(Atomics.load(rhythm, LAST)) / 1000
      return now - last > longestGap(lease) ? undefined : Number(Atomics.load(rhythm, SINCE)) / 1000
    },
    stop: async () => {
      stopped = true
      clearInterval(moving)
      if (!running.has(flags)) return
      Atomics.store(flags, STOP, 1)
      worker.ref()
      worker.postMessage('stop')
      await exit
    },
  }
}

/**
 * Waits for the threads, since Node ends them with the program, and a thread inside SQLite would
 * abort it.
 */
function leaveBeforeExit(flags: Int32Array): void {
  running.add(flags)
  if (process.listeners('exit').includes(leaveAll)) return
  process.on('exit', leaveAll)
}

function leaveAll(): void {
  for (const flags of running) {
    Atomics.store(flags, STOP, 1)
    if (Atomics.load(flags, INSIDE) === 1) Atomics.wait(flags, INSIDE, 1, LONGEST_CALL)
  }
}

/** The path of the driver's module, whether this code is bundled or not. */
function driverPath(): string {
  const bases = [import.meta.url, fileOfBundle(), process.argv[1], join(process.cwd(), 'program.js')]
  let cause: unknown
  for (const base of bases) {
    if (base === undefined || base === '') continue
    try {
      return createRequire(base).resolve('better-sqlite3')
    } catch (error) {
      cause ??= error
    }
  }
  throw cannotStart(cause)
}

/** The path of this file in a bundle of CommonJS modules, where `import.meta.url` is undefined. */
function fileOfBundle(): string | undefined {
  return typeof __filename === 'string' ? __filename : undefined
}

function cannotStart(cause: unknown): PersistenceError {
  const said = errorText(cause)
  return new PersistenceError(
    `the heartbeat of the engine cannot be started: ${said}. Without it other engines would consider this one dead. ` +
      'Of a bundled application, better-sqlite3 has to stay outside the bundle and be installed beside it (docs/bundling.md)',
    { cause },
  )
}
