import type { Client } from '../../index.ts'
import { LiveLine } from './live-line.ts'
import { processStateText } from './state-text.ts'
import { elapsed } from './time.ts'

/** Milliseconds between two updates. */
const PACE = 250

/** Shows the progress of a process in one line on stderr, if that is a terminal. Returns a function that ends it. */
export function showProgress(client: Client, pid: string): () => void {
  const { stdout, stderr } = process
  if (!stderr.isTTY) return () => {}
  const line = new LiveLine(stderr, stdout.isTTY ? [stdout] : [])
  const began = Date.now()
  let ended = false
  const show = async (): Promise<void> => {
    const found = await client.find(pid)
    if (found === undefined || ended) return
    const { name, state, step, status } = found
    const parts = [elapsed(Date.now() - began).replace(/\.\d+/, ''), name, processStateText(found)]
    if (step !== null) parts.push(`step ${step}`)
    const message = state.paused ? (state.message ?? status) : status
    if (message !== null) parts.push(message)
    line.show(parts.join('  '))
  }
  const timer = setInterval(() => {
    // The next update may succeed. The command itself reports a lasting failure.
    show().catch(() => {})
  }, PACE)
  return () => {
    if (ended) return
    ended = true
    clearInterval(timer)
    line.end()
  }
}
