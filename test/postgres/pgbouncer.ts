import { spawn, type ChildProcess } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import { freePort } from '../run/free-port.ts'
import { postgresUser } from './server.ts'

/* PgBouncer of a test's own, in front of a Postgres server. */

/** The program; undefined if it is not installed. */
export const PGBOUNCER: string | undefined = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer'].find((path) =>
  existsSync(path),
)

export class PgBouncer {
  readonly url: string
  readonly #folder: string
  readonly #program: ChildProcess

  /** `pool` is what it pools: the sessions of clients, or their transactions. */
  static async start(server: string, pool: 'session' | 'transaction'): Promise<PgBouncer> {
    const folder = mkdtempSync(join(tmpdir(), 'damson-pgbouncer-'))
    const { hostname, port, username, pathname } = new URL(server)
    const own = await freePort()
    const database = decodeURIComponent(pathname.slice(1))
    const users = join(folder, 'users')
    writeFileSync(users, `"${username}" ""\n`)
    const settings = join(folder, 'pgbouncer.ini')
    writeFileSync(
      settings,
      `[databases]
${database} = host=${hostname} port=${port} dbname=${database} user=${username}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${own}
unix_socket_dir =
auth_type = trust
auth_file = ${users}
pool_mode = ${pool}
default_pool_size = ${pool === 'session' ? 60 : 20}
max_client_conn = 200
`,
    )
    const as = postgresUser()
    if (as.uid !== undefined && as.gid !== undefined)
      for (const path of [folder, users, settings]) chownSync(path, as.uid, as.gid)
    const program = spawn(PGBOUNCER as string, ['-q', settings], { ...as, stdio: 'ignore', cwd: folder })
    const url = new URL(server)
    url.port = String(own)
    for (let tries = 0; !(await isListening(own)); tries++) {
      if (tries > 100 || program.exitCode !== null) throw new Error('PgBouncer does not start')
      await later(50)
    }
    return new PgBouncer(url.href, folder, program)
  }

  private constructor(url: string, folder: string, program: ChildProcess) {
    this.url = url
    this.#folder = folder
    this.#program = program
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => void this.#program.once('exit', resolve))
    if (this.#program.kill('SIGKILL')) await ended
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
