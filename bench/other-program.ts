import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** Starts a program of this folder, which is to end once it is disconnected, after the work. */
export async function withProgram<T>(file: string, work: (program: ChildProcess) => Promise<T>): Promise<T> {
  const program = fork(join(import.meta.dirname, file))
  const exit = once(program, 'exit')
  try {
    return await work(program)
  } finally {
    if (program.connected) program.disconnect()
    await exit
  }
}

/** The next message of the program. */
export async function told<T>(program: ChildProcess): Promise<T> {
  const ended = new AbortController()
  const onExit = (): void => ended.abort(new Error('the program has ended before it was told to'))
  program.once('exit', onExit)
  try {
    const [message] = (await once(program, 'message', { signal: ended.signal })) as [T]
    return message
  } finally {
    program.off('exit', onExit)
  }
}
