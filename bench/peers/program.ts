import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Peer } from './peers.ts'
import type { Answer, Order, Orders } from './serve.ts'

/** An order that takes longer is given up: the longest takes less than a minute on a machine that nobody else uses. */
const LIMIT = 120_000

/** The program of a peer, started and ready for orders. */
export class Program {
  readonly #child: ChildProcess
  #errors = ''

  private constructor(child: ChildProcess) {
    this.#child = child
    child.stderr?.on('data', (text: Buffer) => {
      this.#errors = (this.#errors + text.toString()).slice(-4000)
    })
    // Read, so that the program never waits for a full pipe.
    child.stdout?.resume()
  }

  static async start(peer: Peer): Promise<Program> {
    const child = fork(join(import.meta.dirname, peer.program), {
      execPath: peer.ownNode === true ? newerNode() : process.execPath,
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const program = new Program(child)
    await program.#message('its start')
    return program
  }

  async order<Name extends keyof Orders>(
    name: Name,
    given: Orders[Name]['given'],
  ): Promise<Orders[Name]['answer']> {
    const order: Order<Name> = { name, given }
    const answered = this.#message(name)
    this.#child.send(order)
    const message = (await answered) as Answer
    if ('error' in message) throw new Error(`${name}: ${message.error}`)
    return message.answer as Orders[Name]['answer']
  }

  /** By SIGKILL. Resolves with the time of the kill (wall clock), once the program is gone. */
  async kill(): Promise<number> {
    const at = Date.now()
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return at
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
    return at
  }

  async #message(awaited: string): Promise<unknown> {
    const settled = new AbortController()
    const { signal } = settled
    try {
      return await Promise.race([
        once(this.#child, 'message', { signal }).then(([message]) => message as unknown),
        once(this.#child, 'exit', { signal }).then(([code]) => {
          throw new Error(`the program ended with ${code} during ${awaited}\n${this.#errors}`)
        }),
        limit(signal).then(() => {
          throw new Error(`no answer within ${LIMIT / 1000} s to ${awaited}\n${this.#errors}`)
        }),
      ])
    } finally {
      settled.abort()
    }
  }
}

function limit(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, LIMIT)
    signal.addEventListener('abort', () => clearTimeout(timer))
  })
}

/** The Node of the npm package `node`. */
export function newerNode(): string {
  const path = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin/node')
  if (!existsSync(path)) throw new Error('the npm package `node` brought no Node for this machine')
  return path
}
