import { setTimeout as later } from 'node:timers/promises'
import type { PostgresServer } from '../../postgres/server.ts'
import type { Log } from '../log.ts'
import { rowsIfAny } from '../reader.ts'

/** What happens to a Postgres server and its connections. */
export class ServerFaults {
  readonly #server: PostgresServer
  readonly #log: Log
  #isStopped = false

  constructor(server: PostgresServer, log: Log) {
    this.#server = server
    this.#log = log
  }

  /** Ends some of the connections of the programs. `share` of 1 ends all. */
  async cut(share: number): Promise<void> {
    this.#log.add({ what: 'fault', fault: 'connections cut', phase: 'at', detail: String(share) })
    await rowsIfAny(
      this.#server.url,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'damson%' AND random() < ${share}`,
    )
  }

  /** Stops the server at once, in the middle of commits, and starts it again after so many milliseconds. */
  async stop(ms: number): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#log.add({ what: 'fault', fault: 'server stopped', phase: 'begin' })
    await this.#server.stopImmediately()
    await later(ms)
    await this.#server.start()
    this.#log.add({ what: 'fault', fault: 'server stopped', phase: 'end' })
    this.#isStopped = false
  }
}
