import { spawn, type ChildProcess } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Compiled } from './compiling.ts'
import type { Given } from '../load/here.ts'
import type { Log } from '../log.ts'

export type Kind = 'engine' | 'client' | 'quiet'

const FILES: Readonly<Record<Kind, string>> = {
  engine: 'test/torture/load/engine-program.ts',
  client: 'test/torture/load/client-program.ts',
  quiet: 'test/torture/load/quiet-program.ts',
}
const COMMAND_LINE = 'src/cli/main.ts'
const CLOCK = new URL('../load/shared-clock.mjs', import.meta.url).href

/** What a run hands to all of its programs. */
export interface Surroundings {
  readonly folder: string
  readonly store: string
  readonly log: string
  readonly clock: string
  readonly lease: number
  readonly compiled: Compiled
}

/** A program of the load. */
export class Program {
  readonly name: string
  readonly kind: Kind | 'command'
  readonly ended: Promise<number | null>
  readonly #child: ChildProcess
  /** Since it was stopped and does not run. */
  frozen = false
  over = false
  /** Since it was sent SIGTERM. */
  stopping = false
  /** Since it has opened the store. */
  ready = false
  /** That of its engine, if it has opened one. */
  id: string | undefined

  constructor(
    name: string,
    kind: Kind | 'command',
    args: readonly string[],
    { folder, clock }: Surroundings,
    log: Log,
  ) {
    this.name = name
    this.kind = kind
    const env = { ...process.env, TORTURE_CLOCK: clock }
    this.#child = spawn(process.execPath, ['--import', CLOCK, ...args], {
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const save = (text: string): void => appendFileSync(join(folder, `${name}.stderr`), text)
    this.#child.stderr?.setEncoding('utf8').on('data', save)
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const ready = /^ready ?(\S*)\n$/.exec(text)
      if (ready !== null) {
        this.ready = true
        this.id = ready[1]
      } else if (kind !== 'command') save(text)
    })
    // It may have ended.
    this.#child.stdin?.on('error', () => {})
    this.ended = new Promise((resolve, reject) => {
      this.#child.on('error', reject).on('close', (code, signal) => {
        this.over = true
        log.add({ what: 'exit', program: name, code, signal })
        resolve(code)
      })
    })
  }

  signal(signal: NodeJS.Signals): void {
    this.frozen = signal === 'SIGSTOP'
    this.#child.kill(signal)
  }

  /** Asks it to come to an end by itself. */
  end(): void {
    this.#child.stdin?.end()
  }

  get osPid(): number {
    return this.#child.pid ?? 0
  }
}

/** Starts programs, and knows those that run. */
export class Programs {
  readonly #around: Surroundings
  readonly #log: Log
  readonly #running = new Set<Program>()
  #count = 0

  constructor(around: Surroundings, log: Log) {
    this.#around = around
    this.#log = log
  }

  start(kind: Kind, { seed, old = false }: { readonly seed: number; readonly old?: boolean }): Program {
    const name = `${kind[0]}${++this.#count}${old ? 'old' : ''}`
    const { folder, store, log, lease, compiled } = this.#around
    const given: Given = { name, seed, store, log, folder, lease, old }
    return this.#add(name, kind, [compiled.file(FILES[kind]), JSON.stringify(given)])
  }

  /** A call of the command line. */
  command(args: readonly string[]): Program {
    const { compiled } = this.#around
    return this.#add(`m${++this.#count}`, 'command', [
      compiled.file(COMMAND_LINE),
      ...args,
      '--store',
      this.#around.store,
    ])
  }

  of(kind: Kind | 'command'): Program[] {
    return Array.from(this.#running).filter((program) => program.kind === kind)
  }

  #add(name: string, kind: Kind | 'command', args: readonly string[]): Program {
    const program = new Program(name, kind, args, this.#around, this.#log)
    this.#running.add(program)
    void program.ended.finally(() => this.#running.delete(program))
    return program
  }
}
