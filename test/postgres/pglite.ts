import { PGlite } from '@electric-sql/pglite'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'
import { freePort } from '../run/free-port.ts'

/**
 * A database in this program, for machines without a server. It has one session for all connections, so it
 * shows nothing of locks, of two engines at once, or of crashes.
 */
export class PgliteServer {
  readonly url: string
  readonly #server: PGLiteSocketServer
  readonly #database: PGlite

  static async start(): Promise<PgliteServer> {
    const database = await PGlite.create()
    // To plan a statement takes longer than to run it on so few rows. The one session keeps this.
    await database.exec('SET plan_cache_mode = force_generic_plan')
    const port = await freePort()
    const server = new PGLiteSocketServer({ db: database, port, maxConnections: 20 })
    await server.start()
    return new PgliteServer(`postgres://postgres@127.0.0.1:${port}/postgres`, server, database)
  }

  private constructor(url: string, server: PGLiteSocketServer, database: PGlite) {
    this.url = url
    this.#server = server
    this.#database = database
  }

  async stop(): Promise<void> {
    await this.#server.stop()
    await this.#database.close()
  }
}
