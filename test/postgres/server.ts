import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import { freePort } from '../run/free-port.ts'

/* A Postgres server of a test's own, which the test may stop, kill and start again. */

/**
 * Which tests over Postgres run, since they start servers and take minutes: with 1 those of this folder, with `all`
 * also the suites that other stores have. With `pglite` the suite of all stores runs over PGlite, as it does where
 * no server is installed.
 */
const asked = process.env['DAMSON_POSTGRES']
export const isAsked: boolean = asked === '1' || asked === 'all'
export const areAllAsked: boolean = asked === 'all'
const isPgliteAsked = asked === 'pglite'

/** Where the programs of Postgres are; undefined where it is not installed. */
export const POSTGRES_FOLDER: string | undefined = folders().find((folder) =>
  existsSync(join(folder, 'initdb')),
)

export const RUNS_OVER_PGLITE: boolean = isPgliteAsked || (!isAsked && POSTGRES_FOLDER === undefined)

/** Where the programs of Postgres are, if the tests that start servers are to run. */
export const POSTGRES: string | undefined = isAsked ? POSTGRES_FOLDER : undefined

if (isAsked && POSTGRES === undefined)
  throw new Error(
    'the tests on Postgres need its programs, which are missing here: apt-get install postgresql',
  )

function folders(): string[] {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian)
    ? readdirSync(debian).toSorted((one, other) => Number(other) - Number(one))
    : []
  return [
    ...versions.map((version) => join(debian, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(delimiter),
  ]
}

/** Postgres refuses to run as the administrator. */
export function postgresUser(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const idOf = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: idOf('-u'), gid: idOf('-g') }
}

/** A new folder that belongs to the user of Postgres. */
function ownFolder(parent: string): string {
  const folder = mkdtempSync(join(parent, 'damson-postgres-'))
  const as = postgresUser()
  if (as.uid !== undefined && as.gid !== undefined) chownSync(folder, as.uid, as.gid)
  return folder
}

interface ServerOptions {
  /** The folder in which its own is made. */
  readonly parent?: string
  /** The folder in which its log is made, if it is elsewhere. */
  readonly log?: string
}

export class PostgresServer {
  readonly url: string
  readonly #folder: string
  readonly #port: number
  #server: ChildProcess | undefined

  /** A new cluster that does not wait for the disk, since no test ends the machine. */
  static async start({ parent = tmpdir(), log }: ServerOptions = {}): Promise<PostgresServer> {
    const server = new PostgresServer(ownFolder(parent), await freePort())
    const options = ['-U', 'damson', '--auth=trust', '-E', 'UTF8', '--no-locale', '--no-sync']
    server.#run('initdb', [
      '-D',
      server.#data,
      ...options,
      ...(log === undefined ? [] : ['--wal-segsize=1', '-X', join(ownFolder(log), 'wal')]),
    ])
    await server.start()
    return server
  }

  private constructor(folder: string, port: number) {
    this.#folder = folder
    this.#port = port
    this.url = `postgres://damson@127.0.0.1:${port}/postgres`
  }

  get #data(): string {
    return join(this.#folder, 'data')
  }

  #run(program: string, args: readonly string[]): void {
    const how = { ...postgresUser(), stdio: 'pipe', cwd: this.#folder } as const
    execFileSync(join(POSTGRES_FOLDER as string, program), args, how)
  }

  /**
   * A replica that follows this server from now on. From then on this server acknowledges a commit only when the
   * replica has it.
   */
  async synchronousReplica(): Promise<PostgresServer> {
    const replica = new PostgresServer(ownFolder(tmpdir()), await freePort())
    replica.#run('pg_basebackup', ['-D', replica.#data, '-R', '-c', 'fast', '--no-sync', '-d', this.url])
    await replica.start()
    this.query("ALTER SYSTEM SET synchronous_standby_names = '*'")
    this.query('SELECT pg_reload_conf()')
    for (let tries = 0; this.query('SELECT sync_state FROM pg_stat_replication') !== 'sync'; tries++) {
      if (tries > 300) throw new Error('the replica does not follow')
      await later(100)
    }
    return replica
  }

  /** Makes a replica take writes. */
  promote(): void {
    this.#run('pg_ctl', ['promote', '-D', this.#data])
  }

  async start(): Promise<void> {
    const settings = [
      'fsync=off',
      'full_page_writes=off',
      'max_connections=200',
      'listen_addresses=127.0.0.1',
    ]
    const places = ['-D', this.#data, '-p', String(this.#port), '-k', this.#folder]
    this.#server = spawn(
      join(POSTGRES_FOLDER as string, 'postgres'),
      [...places, ...settings.flatMap((setting) => ['-c', setting])],
      { ...postgresUser(), stdio: 'ignore', cwd: this.#folder },
    )
    for (let tries = 0; ; tries++) {
      try {
        execFileSync(
          join(POSTGRES_FOLDER as string, 'pg_isready'),
          ['-q', '-h', '127.0.0.1', '-p', String(this.#port)],
          { stdio: 'ignore' },
        )
        return
      } catch (error) {
        if (tries > 300) throw error
        await later(100)
      }
    }
  }

  /** Stops the server at once, as `immediate` does: without a checkpoint, and in the middle of commits. */
  async stopImmediately(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    if (server.exitCode !== null || server.signalCode !== null) return
    const ended = new Promise((resolve) => void server.once('exit', resolve))
    server.kill('SIGQUIT')
    await ended
  }

  async restart(): Promise<void> {
    await this.stopImmediately()
    await this.start()
  }

  /** Runs a statement as another program would. */
  query(text: string): string {
    const args = [this.url, '-qAtc', text]
    return execFileSync(join(POSTGRES_FOLDER as string, 'psql'), args, { encoding: 'utf8' }).trim()
  }

  async remove(): Promise<void> {
    await this.stopImmediately()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
