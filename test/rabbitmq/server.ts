import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import { freePort } from '../run/free-port.ts'

/* A RabbitMQ server of a test's own, which the test may stop and start again. */

/** Whether these tests run: with `DAMSON_RABBITMQ=1`, since they start servers. */
const isAsked = process.env['DAMSON_RABBITMQ'] === '1'
const PROGRAMS = ['/usr/lib/rabbitmq/bin', '/opt/rabbitmq/sbin', '/usr/sbin']

/** The Python for which Debian's packages are installed. */
export const PYTHON = '/usr/bin/python3'

/** Where the programs of RabbitMQ are; undefined if the tests are not to run. */
export const RABBITMQ: string | undefined = isAsked
  ? PROGRAMS.find((folder) => existsSync(join(folder, 'rabbitmq-server')))
  : undefined

if (isAsked && RABBITMQ === undefined)
  throw new Error(
    'the tests on RabbitMQ need its programs, which are missing here: apt-get install rabbitmq-server',
  )

export class RabbitServer {
  readonly url: string
  readonly #folder: string
  readonly #environment: Readonly<Record<string, string>>
  #server: ChildProcess | undefined

  static async start(): Promise<RabbitServer> {
    const [port, distribution] = [await freePort(), await freePort()]
    const server = new RabbitServer(mkdtempSync(join(tmpdir(), 'damson-rabbitmq-')), port, distribution)
    await server.start()
    return server
  }

  private constructor(folder: string, port: number, distribution: number) {
    this.#folder = folder
    this.url = `amqp://guest:guest@127.0.0.1:${port}/`
    const plugins = join(folder, 'plugins')
    writeFileSync(plugins, '[].')
    const settings = join(folder, 'rabbitmq.conf')
    writeFileSync(settings, `listeners.tcp.1 = 127.0.0.1:${port}\n`)
    this.#environment = {
      PATH: process.env['PATH'] ?? '',
      // The cookie of Erlang is there.
      HOME: folder,
      RABBITMQ_NODENAME: `damson-${port}@localhost`,
      RABBITMQ_BASE: folder,
      RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
      RABBITMQ_LOG_BASE: join(folder, 'log'),
      RABBITMQ_ENABLED_PLUGINS_FILE: plugins,
      RABBITMQ_CONFIG_FILE: settings,
      RABBITMQ_CONF_ENV_FILE: '/dev/null',
      RABBITMQ_DIST_PORT: String(distribution),
      RABBITMQ_PID_FILE: join(folder, 'pid'),
      // It shares the machine with the tests.
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 1:1 +sbwt none',
    }
  }

  async start(): Promise<void> {
    const server = spawn(join(RABBITMQ as string, 'rabbitmq-server'), [], {
      env: this.#environment,
      cwd: this.#folder,
      stdio: 'ignore',
      detached: true,
    })
    this.#server = server
    for (let tries = 0; ; tries++) {
      if (server.exitCode !== null) throw new Error(`RabbitMQ has ended with ${server.exitCode}`)
      try {
        this.control('await_startup', '--timeout', '60')
        return
      } catch (error) {
        if (tries > 20) throw error
        await later(500)
      }
    }
  }

  /** Ends the server at once, as a crash does. */
  async kill(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (server?.pid === undefined || server.exitCode !== null) return
    const ended = new Promise((resolve) => void server.once('exit', resolve))
    // The shell that it was started by, and Erlang.
    process.kill(-server.pid, 'SIGKILL')
    await ended
  }

  /** Asks the server something by `rabbitmqctl`. */
  control(...args: string[]): string {
    return execFileSync(join(RABBITMQ as string, 'rabbitmqctl'), ['--quiet', ...args], {
      env: this.#environment,
      cwd: this.#folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }

  async remove(): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
