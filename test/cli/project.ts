import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { damson, type Ended } from './in-process.ts'
import { compiled } from '../programs/compiled.ts'

/** Runs processes until a signal ends it. */
const WORKER = 'worker'
/** Whether one runs in this program: there is one folder and one output, so another one that begins meanwhile is a program. */
let inProcess = false

/** A folder of a user, in which the command line is run as a program. */
export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), 'damson-cli-'))
  readonly store = join(this.folder, 'damson.db')
  readonly #running = new Set<ChildProcess>()

  constructor(files: Readonly<Record<string, string>> = {}) {
    for (const [name, text] of Object.entries(files)) this.write(name, text)
  }

  write(name: string, text: string): string {
    const path = join(this.folder, name)
    writeFileSync(path, text)
    return path
  }

  /** Runs `damson` with these arguments to its end: as a program where it is a worker, or has an input or environment of its own; `runs` says so. */
  async damson(
    args: readonly string[],
    options?: { stdin?: string; env?: NodeJS.ProcessEnv },
    runs = args[0] === WORKER,
  ): Promise<Ended> {
    if (options !== undefined || runs || inProcess) return this.start(args, options).ended
    inProcess = true
    const [folder, { DAMSON_STORE, NO_COLOR, FORCE_COLOR, COLUMNS }] = [process.cwd(), process.env]
    try {
      // It starts its service in the folder in which it was loaded, and this one is removed.
      await import('esbuild')
      process.chdir(this.folder)
      setEnvironment({ DAMSON_STORE: undefined, NO_COLOR: '1', FORCE_COLOR: undefined, COLUMNS: undefined })
      return await damson(...args)
    } finally {
      process.chdir(folder)
      setEnvironment({ DAMSON_STORE, NO_COLOR, FORCE_COLOR, COLUMNS })
      inProcess = false
    }
  }

  /** The one JSON document that `damson` with these arguments and `--json` prints. */
  async json<T>(...args: readonly string[]): Promise<T> {
    const { stdout, stderr } = await this.damson([...args, '--json'])
    if (stdout.trim() === '') throw new Error(`damson ${args.join(' ')} printed nothing; it said: ${stderr}`)
    return JSON.parse(stdout) as T
  }

  /** `stdout` is a file that takes its output; default a pipe. */
  start(
    args: readonly string[],
    options: { stdin?: string; env?: NodeJS.ProcessEnv; stdout?: number } = {},
  ): Running {
    const child = spawn(process.execPath, [compiled('src/cli/main.ts'), ...args], {
      cwd: this.folder,
      stdio: ['pipe', options.stdout ?? 'pipe', 'pipe'],
      env: {
        ...process.env,
        DAMSON_STORE: undefined,
        NO_COLOR: '1',
        FORCE_COLOR: undefined,
        COLUMNS: undefined,
        ...options.env,
      },
    })
    this.#running.add(child)
    child.once('close', () => this.#running.delete(child))
    child.stdin?.end(options.stdin ?? '')
    return new Running(child)
  }

  /** Ends what still runs, and removes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    const left = [...this.#running]
    await Promise.all(
      left.map((child) => {
        const closed = new Promise((resolve) => child.once('close', resolve))
        child.kill('SIGKILL')
        return closed
      }),
    )
    rmSync(this.folder, { recursive: true, force: true })
  }
}

function setEnvironment(values: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(values))
    if (value === undefined) Reflect.deleteProperty(process.env, name)
    else process.env[name] = value
}

/** A `damson` that runs. */
export class Running {
  readonly ended: Promise<Ended>
  readonly #child: ChildProcess
  #stdout = ''
  #stderr = ''

  constructor(child: ChildProcess) {
    this.#child = child
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => resolve({ code, stdout: this.#stdout, stderr: this.#stderr }))
    })
  }

  /** Resolves when it has said this on stderr; rejects when it ends before. */
  says(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (this.#stderr.includes(text)) resolve()
      }
      this.#child.stderr?.on('data', look)
      this.#child.once('close', () => {
        look()
        reject(new Error(`it ended without saying '${text}'; it said: ${this.#stderr}`))
      })
      look()
    })
  }

  /** Resolves when it has printed this on stdout. */
  prints(text: string): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.#stdout.includes(text)) resolve()
      }
      this.#child.stdout?.on('data', look)
      look()
    })
  }

  /** Reads no more of what it prints, as a program at the end of a pipe that has ended. */
  hangUp(): void {
    this.#child.stdout?.destroy()
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }
}
