import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { compiled } from '../../programs/compiled.ts'
import type { StoreTask } from './store-program.ts'

export const STORE_PROGRAM = compiled('test/persistence/programs/store-program.ts')

/** A program that uses a store, and what it said. */
export class StoreProgram {
  readonly child: ChildProcessByStdio<null, Readable, Readable>
  readonly ended: Promise<unknown>
  errors = ''
  said = ''

  constructor(task: StoreTask) {
    const args = [STORE_PROGRAM, JSON.stringify(task)]
    this.child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.child.stderr.on('data', (data) => (this.errors += String(data)))
    this.child.stdout.on('data', (data) => (this.said += String(data)))
    this.ended = once(this.child, 'exit')
  }

  async hears(word: string): Promise<void> {
    while (!this.said.includes(word)) {
      if (this.child.exitCode !== null) throw new Error(`the program ended without ${word}: ${this.errors}`)
      await Promise.race([once(this.child.stdout, 'data'), this.ended])
    }
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.ended
  }
}

export function startStore(path: string, task: Omit<StoreTask, 'path'>): StoreProgram {
  return new StoreProgram({ ...task, path })
}
