import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'

/** The data that the worker thread of a lease receives. */
interface LeaseData {
  /** The path of the driver's module. The worker runs from text, so it can't resolve the module itself. */
  readonly driver: string
  readonly connection: string
  readonly statement: string
  readonly id: string
  /** Milliseconds between two renewals. */
  readonly interval: number
}

/**
 * A renewal that hangs is given up before the next lease ends, and its connection with it. A text and no
 * file, since a bundler can't follow a path to a file of a worker.
 */
const SOURCE = `
const { parentPort, workerData } = require('node:worker_threads')
const { driver, connection, statement, id, interval } = workerData
const { Client } = require(driver)
let client, busy = false, stopped = false
async function renew() {
  if (busy || stopped) return
  busy = true
  try {
    if (client === undefined) {
      const opened = new Client({ connectionString: connection, application_name: 'damson lease', keepAlive: true,
        connectionTimeoutMillis: interval, query_timeout: interval })
      opened.on('error', () => { if (client === opened) client = undefined })
      await opened.connect()
      client = opened
    }
    await client.query(statement, [id])
  } catch {
    const broken = client
    client = undefined
    broken?.end().catch(() => {})
  } finally {
    busy = false
    if (stopped) await client?.end().catch(() => {})
  }
}
const timer = setInterval(renew, interval)
parentPort.once('message', () => {
  stopped = true
  clearInterval(timer)
  parentPort.close()
  if (!busy) client?.end().catch(() => {})
})
renew()
`

/**
 * Renews a lease from a thread of its own, so that a step that blocks the event loop does not end it.
 * Undefined where the driver can't be found, as in a bundle. `died` is called if the thread ends by
 * itself. Returns what stops it.
 */
export function startLeaseThread(
  data: Omit<LeaseData, 'driver'>,
  died: () => void,
): (() => void) | undefined {
  let driver: string
  try {
    driver = createRequire(import.meta.url).resolve('pg')
  } catch {
    return undefined
  }
  const worker = new Worker(SOURCE, { eval: true, workerData: { ...data, driver }, execArgv: [] })
  worker.unref()
  let isStopped = false
  const ended = (): void => {
    if (isStopped) return
    isStopped = true
    died()
  }
  worker.once('error', ended)
  worker.once('exit', ended)
  return () => {
    isStopped = true
    worker.postMessage('stop')
  }
}
