import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'

interface Statements {
  /** Renews the lease of the engine that it gets, and returns its id. */
  readonly renew: string
  /** Registers an engine again that others have removed. */
  readonly rejoin: string
  /** Whether the server waits for a replica. */
  readonly waits: string
}

/** The data that the worker thread receives. */
interface LeaseData {
  /** The path of the driver's module. The worker runs from text, so it can't resolve the module itself. */
  readonly driver: string
  readonly connection: string
  readonly statements: Statements
}

/**
 * A renewal that hangs is given up before the next lease ends, and its connection with it. One that fails is
 * soon tried again, so that an engine is not late for long once it reaches the server again. While the server waits
 * for a replica, none is tried: each would stay on the server. A text and no file,
 * since a bundler can't follow a path to a file of a worker.
 */
const SOURCE = `
const { parentPort, workerData } = require('node:worker_threads')
const { driver, connection, statements } = workerData
const { Client } = require(driver)
const engines = new Map()
let pending = 0
let mayWait = false
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
async function query(id, engine) {
  const query_timeout = engine.interval
  if (opened === undefined) open(query_timeout)
  const { client, connected } = opened
  try {
    await connected
    if (mayWait) {
      const { rows } = await client.query({ text: statements.waits, query_timeout })
      if (rows[0].waits) return false
      mayWait = false
    }
    const { rows } = await client.query({ text: statements.renew, values: [id], query_timeout })
    if (rows.length === 0 && engines.get(id) === engine)
      await client.query({ text: statements.rejoin, values: engine.values, query_timeout })
    return true
  } catch (error) {
    mayWait = error.message === 'Query read timeout'
    drop(client)
    return false
  }
}
function closeUnused() {
  if (engines.size === 0 && pending === 0 && opened !== undefined) drop(opened.client)
}
let last = Promise.resolve()
async function renew(id, engine) {
  const begun = performance.now()
  pending++
  last = last.then(() => query(id, engine))
  const isRenewed = await last
  pending--
  closeUnused()
  if (engines.get(id) !== engine) return
  const pause = isRenewed ? engine.interval - (performance.now() - begun) : Math.min(250, engine.interval / 4)
  engine.timer = setTimeout(renew, Math.max(0, pause), id, engine)
}
function leave(id) {
  clearTimeout(engines.get(id)?.timer)
  engines.delete(id)
  closeUnused()
}
parentPort.on('message', ({ id, interval, values }) => {
  if (id === undefined) {
    for (const one of engines.keys()) leave(one)
    parentPort.close()
  } else {
    leave(id)
    if (interval !== undefined) {
      const engine = { interval, values }
      engines.set(id, engine)
      void renew(id, engine)
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
  static start(connection: string, statements: Statements, died: () => void): LeaseThread | undefined {
    try {
      const driver = createRequire(import.meta.url).resolve('pg')
      return new LeaseThread({ driver, connection, statements }, died)
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

  /** Renews the lease of an engine each `interval` milliseconds. `values` are those of `rejoin`. */
  join(id: string, interval: number, values: readonly unknown[]): void {
    this.#worker.postMessage({ id, interval, values })
  }

  leave(id: string): void {
    this.#worker.postMessage({ id })
  }

  stop(): void {
    this.#isStopped = true
    this.#worker.postMessage({})
  }
}
