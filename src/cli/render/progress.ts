import type { Client } from '../../index.ts'
import { LiveLine } from './live-line.ts'
import { processStateText } from './state-text.ts'
import { elapsed } from './time.ts'

/** Milliseconds between two updates. */
const PACE = 250

/** Shows the progress of a process in one line on stderr, if that is a terminal. Returns a function that ends it. */
export function showProgress(client: Client, pid: string): () => void {
  return showLine(async () => {
    const found = await client.find(pid)
    if (found === undefined) return []
    const { name, state, step, status } = found
    const message = state.paused ? (state.message ?? status) : status
    return [name, processStateText(found), step === null ? '' : `step ${step}`, message ?? '']
  })
}

/** As `showProgress`, for a group. */
export function showGroupProgress(client: Client, group: string): () => void {
  return showLine(async () => {
    const counts = Object.entries(await client.count({ group }))
    return [group, ...counts.flatMap(([state, count]) => (count > 0 ? `${count} ${state}` : []))]
  })
}

function showLine(read: () => Promise<readonly string[]>): () => void {
  const { stdout, stderr } = process
  if (!stderr.isTTY) return () => {}
  const line = new LiveLine(stderr, stdout.isTTY ? [stdout] : [])
  const began = Date.now()
  let ended = false
  const show = async (): Promise<void> => {
    const parts = (await read()).filter((part) => part !== '')
    if (parts.length === 0 || ended) return
    line.show([elapsed(Date.now() - began).replace(/\.\d+/, ''), ...parts].join('  '))
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
