import type { ProcessHandle } from '../../../src/index.ts'
import type { AskLine } from '../log.ts'
import { log, given } from './here.ts'

let count = 0

/** What is asked, as the log has it, with its answer; undefined where it was refused. */
export async function ask<T>(
  asked: Omit<AskLine, 'what' | 'op'>,
  call: (op: string) => Promise<T>,
): Promise<T | undefined> {
  const op = `${given.name}.${++count}`
  log.add({ what: 'ask', op, ...asked })
  try {
    const value = await call(op)
    log.add({ what: 'answer', op, ok: true, value: plainOf(value) })
    return value
  } catch (error) {
    const name = error instanceof Error ? error.name : typeof error
    const text = error instanceof Error ? error.message : String(error)
    log.add({ what: 'answer', op, ok: false, error: name, value: text })
    return undefined
  }
}

function plainOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'pid' in value ? value.pid : value
}

/** How the store has a reference to an output. */
export const savedReference = ({ pid }: ProcessHandle, output: string): object => ({
  $: 'type',
  name: 'process.reference',
  data: { pid, output },
})

/** The payload is the number of the question, so that each is sent once. */
export const signal = (handle: ProcessHandle, name: string): Promise<unknown> =>
  ask({ do: 'signal', pid: handle.pid, name }, (op) => (handle as AnyHandle).signal(name, op))

export const resume = (handle: ProcessHandle): Promise<unknown> =>
  ask({ do: 'resume', pid: handle.pid }, (op) => handle.resume(op))

export const pause = (handle: ProcessHandle): Promise<unknown> =>
  ask({ do: 'pause', pid: handle.pid }, (op) => handle.pause(op))

export const play = (handle: ProcessHandle): Promise<unknown> =>
  ask({ do: 'play', pid: handle.pid }, () => handle.play())

export const kill = (handle: ProcessHandle, force: boolean): Promise<unknown> =>
  ask({ do: 'kill', pid: handle.pid, force }, (op) => handle.kill(op, { force }))

export const retry = (handle: ProcessHandle): Promise<unknown> =>
  ask({ do: 'retry', pid: handle.pid }, () => handle.retry())

interface AnyHandle extends ProcessHandle {
  signal(name: string, payload?: unknown): Promise<void>
}
