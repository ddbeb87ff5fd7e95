import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'

/** A Postgres for this run. */
export interface Postgres {
  readonly version: string
  /** What its settings are, as far as durability and speed depend on them. */
  readonly settings: string
  /** Makes an empty database and returns its URL. */
  create(): Promise<string>
  drop(url: string): Promise<void>
  /** Seconds of processors that the server has used, or undefined where another machine or user runs it. */
  processor(): number | undefined
  close(): Promise<void>
}

const NOT_FOUND =
  'no Postgres: install the Debian package postgresql, or set DATABASE_URL to one in which databases may be made'

/** Postgres by `DATABASE_URL`, or a server of our own in a folder below the given one; otherwise why there is none. */
export async function openPostgres(folder: string): Promise<Postgres | string> {
  const url = process.env['DATABASE_URL']
  if (url !== undefined)
    return open(
      url,
      () => undefined,
      () => Promise.resolve(),
    )
  const bin = binaries()
  if (bin === undefined) return NOT_FOUND
  const server = await Server.start(bin, folder)
  return open(
    server.url,
    () => server.processor(),
    () => server.stop(),
  )
}

/** Where Debian puts the newest version. */
function binaries(): string | undefined {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? readdirSync(root).map(Number).filter(Number.isInteger) : []
  const bin = join(root, String(Math.max(0, ...versions)), 'bin')
  return existsSync(join(bin, 'initdb')) ? bin : undefined
}

async function open(
  url: string,
  processor: () => number | undefined,
  close: () => Promise<void>,
): Promise<Postgres> {
  const client = new Client({ connectionString: url })
  // The server ends the connection when a run is broken off. Without a listener that would throw.
  client.on('error', () => undefined)
  await client.connect()
  const value = async (setting: string): Promise<string> => {
    const { rows } = await client.query(`SHOW ${setting}`)
    return String(Object.values(rows[0] as object)[0])
  }
  const shown: string[] = []
  for (const setting of ['fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers']) {
    shown.push(`${setting} = ${await value(setting)}`)
  }
  let databases = 0
  return {
    version: await value('server_version'),
    settings: shown.join(', '),
    processor,
    async create() {
      const name = `damson_bench_${process.pid}_${databases++}`
      await client.query(`CREATE DATABASE ${name}`)
      const made = new URL(url)
      made.pathname = `/${name}`
      return made.href
    },
    async drop(made) {
      await client.query(`DROP DATABASE IF EXISTS ${new URL(made).pathname.slice(1)} WITH (FORCE)`)
    },
    async close() {
      await client.end()
      await close()
    },
  }
}

/** A server with the settings of a new cluster, on the loopback interface. Postgres refuses to run as root. */
class Server {
  readonly url: string
  readonly #child: ChildProcess
  readonly #folder: string

  private constructor(url: string, child: ChildProcess, folder: string) {
    this.url = url
    this.#child = child
    this.#folder = folder
  }

  static async start(bin: string, parent: string): Promise<Server> {
    const folder = join(parent, `postgres-${process.pid}`)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const user = process.getuid?.() === 0 ? otherUser() : undefined
    if (user !== undefined) chownSync(folder, user.uid, user.gid)
    const data = join(folder, 'data')
    const options = { ...user, cwd: folder, stdio: 'ignore' as const }
    execFileSync(
      join(bin, 'initdb'),
      ['-D', data, '-U', 'bench', '--auth=trust', '--encoding=UTF8', '--locale=C'],
      options,
    )
    const port = await freePort()
    const child = spawn(
      join(bin, 'postgres'),
      ['-D', data, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-k', ''],
      options,
    )
    const server = new Server(`postgresql://bench@127.0.0.1:${port}/postgres`, child, folder)
    // The server would outlive a run that is broken off.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => void server.stop().finally(() => process.exit(1)))
    }
    await server.#ready()
    return server
  }

  async #ready(): Promise<void> {
    for (let tries = 0; ; tries++) {
      const client = new Client({ connectionString: this.url })
      try {
        await client.connect()
        await client.end()
        return
      } catch (error) {
        if (this.#child.exitCode !== null || tries === 200) throw error
        await sleep(50)
      }
    }
  }

  /** Of the server and of those of its processes that are or were. */
  processor(): number {
    const pid = String(this.#child.pid)
    let ticks = 0
    for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
      let fields: string[]
      try {
        fields = readFileSync(`/proc/${name}/stat`, 'utf8')
          .replace(/^.*\) /s, '')
          .split(' ')
      } catch {
        continue
      }
      // From the state on: its parent, and the times of its own and of its children that ended.
      const [, parent] = fields
      const [own1 = 0, own2 = 0, ended1 = 0, ended2 = 0] = fields.slice(11, 15).map(Number)
      if (parent === pid) ticks += own1 + own2
      if (name === pid) ticks += own1 + own2 + ended1 + ended2
    }
    return ticks / 100
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, 'exit')
      this.#child.kill('SIGINT')
      await exited
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** The user of Debian's package, or `nobody`. */
function otherUser(): { readonly uid: number; readonly gid: number } {
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag: string): number => Number(execFileSync('id', [flag, name], { stdio: 'pipe' }))
      return { uid: id('-u'), gid: id('-g') }
    } catch {
      continue
    }
  }
  throw new Error('Postgres does not run as root, and there is no user `postgres` or `nobody`')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
