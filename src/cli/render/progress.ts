import type { Client } from '../../index.ts'
import { stateText } from './state-text.ts'
import { cut } from './terminal-text.ts'
import { elapsed } from './time.ts'

/** Milliseconds between two updates. */
const PACE = 250

/** Shows the progress of a process in one line on stderr, if that is a terminal. Returns a function that ends it. */
export function showProgress(client: Client, pid: string): () => void {
  const { stderr } = process
  if (!stderr.isTTY) return () => {}
  const began = Date.now()
  let ended = false
  const show = async (): Promise<void> => {
    const found = await client.find(pid)
    if (found === undefined || ended) return
    const { name, state, step, status } = found
    const parts = [elapsed(Date.now() - began).replace(/\.\d+/, ''), name, stateText(state)]
    if (step !== null) parts.push(`step ${step}`)
    const message = state.paused ? (state.message ?? status) : status
    if (message !== null) parts.push(message)
    stderr.write(`\r${cut(parts.join('  '), (stderr.columns || 80) - 1)}\u001B[K`)
  }
  const timer = setInterval(() => {
    // The next update may succeed. The command itself reports a lasting failure.
    show().catch(() => {})
  }, PACE)
  return () => {
    if (ended) return
    ended = true
    clearInterval(timer)
    stderr.write('\r\u001B[K')
  }
}
