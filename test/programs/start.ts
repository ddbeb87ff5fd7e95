import { spawn, type ChildProcess } from 'node:child_process'
import { withBreak } from '../breaks/broken-program.ts'
import { compiled } from './compiled.ts'
import type { EngineProgram } from './engine-program.ts'

/** A program that was started, and what it said. */
export interface Started {
  readonly child: ChildProcess
  readonly pid: number
  /** Resolves when it has said `ready`; rejects when it ends before. */
  readonly ready: Promise<void>
  /** Resolves with how it ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  stderr(): string
  kill(signal: NodeJS.Signals): void
}

/** Starts an engine in a program of its own. `within` is a command that is given the program, if there is one. */
export function startEngine(task: EngineProgram, within: readonly string[] = []): Started {
  const [command, ...args] = [...within, process.execPath]
  return startProgram(command, [
    ...args,
    ...withBreak(),
    compiled('test/programs/engine-program.ts'),
    JSON.stringify(task),
  ])
}

function startProgram(command: string, args: readonly string[]): Started {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal }))
  })
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => text.includes('ready') && resolve())
    void ended.then(({ code, signal }) =>
      reject(new Error(`it ended before it was ready (${code ?? signal}): ${stderr}`)),
    )
  })
  // Not every test waits for it.
  ready.catch(() => {})
  return {
    child,
    pid: child.pid as number,
    ready,
    ended,
    stderr: () => stderr,
    kill: (signal) => void child.kill(signal),
  }
}
