import type { Client } from '../../index.ts'
import { stateText } from './state-text.ts'
import { cut } from './terminal-text.ts'
import { elapsed } from './time.ts'

/** Milliseconds between two looks. */
const PACE = 250

/** Shows on stderr, in one line that changes, how far a process is; where stderr is a terminal. Returns how to end it. */
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
    // What the store can't tell now it may tell at the next look; what fails for good is told by those who wait.
    show().catch(() => {})
  }, PACE)
  return () => {
    if (ended) return
    ended = true
    clearInterval(timer)
    stderr.write('\r\u001B[K')
  }
}
