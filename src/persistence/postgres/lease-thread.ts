import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'

/** The data that the worker thread receives. */
interface LeaseData {
  /** The path of the driver's module. The worker runs from text, so it can't resolve the module itself. */
  readonly driver: string
  readonly connection: string
  /** Renews the lease of the engine that it gets. */
  readonly statement: string
}

/**
 * A renewal that hangs is given up before the next lease ends, and its connection with it. A text and no
 * file, since a bundler can't follow a path to a file of a worker.
 */
const SOURCE = `
const { parentPort, workerData } = require('node:worker_threads')
const { driver, connection, statement } = workerData
const { Client } = require(driver)
const timers = new Map()
const busy = new Set()
let opened
function open(timeout) {
  const client = new Client({ connectionString: connection, application_name: 'damson lease', keepAlive: true,
    connectionTimeoutMillis: timeout })
  client.on('error', () => drop(client))
  opened = { client, connected: client.connect() }
}
function drop(client) {
  if (opened?.client === client) opened = undefined
  client.end().catch(() => {})
}
async function query(id, timeout) {
  if (opened === undefined) open(timeout)
  const { client, connected } = opened
  try {
    await connected
    await client.query({ text: statement, values: [id], query_timeout: timeout })
  } catch {
    drop(client)
  }
}
function closeUnused() {
  if (timers.size === 0 && busy.size === 0 && opened !== undefined) drop(opened.client)
}
let last = Promise.resolve()
async function renew(id, interval) {
  if (busy.has(id)) return
  busy.add(id)
  last = last.then(() => query(id, interval))
  await last
  busy.delete(id)
  closeUnused()
}
function leave(id) {
  clearInterval(timers.get(id))
  timers.delete(id)
  closeUnused()
}
parentPort.on('message', ({ id, interval }) => {
  if (id === undefined) {
    for (const one of timers.keys()) leave(one)
    parentPort.close()
  } else {
    leave(id)
    if (interval !== undefined) {
      timers.set(id, setInterval(renew, interval, id, interval))
      void renew(id, interval)
    }
  }
})
`

/** Renews leases from a thread of its own, so that a step that blocks the event loop ends none of them. */
export class LeaseThread {
  readonly #worker: Worker
  #isStopped = false

  /**
   * Undefined if the driver can't be found, as in a bundle. `died` is called if the thread ends by
   * itself.
   */
  static start(connection: string, statement: string, died: () => void): LeaseThread | undefined {
    try {
      const driver = createRequire(import.meta.url).resolve('pg')
      return new LeaseThread({ driver, connection, statement }, died)
    } catch {
      return undefined
    }
  }

  private constructor(workerData: LeaseData, died: () => void) {
    this.#worker = new Worker(SOURCE, { eval: true, workerData, execArgv: [] })
    this.#worker.unref()
    const ended = (): void => {
      if (this.#isStopped) return
      this.#isStopped = true
      died()
    }
    this.#worker.once('error', ended)
    this.#worker.once('exit', ended)
  }

  /** Renews the lease of an engine each `interval` milliseconds. */
  join(id: string, interval: number): void {
    this.#worker.postMessage({ id, interval })
  }

  leave(id: string): void {
    this.#worker.postMessage({ id })
  }

  stop(): void {
    this.#isStopped = true
    this.#worker.postMessage({})
  }
}
