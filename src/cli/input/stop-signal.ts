import { constants } from 'node:os'

/** A signal this soon after the first is the same key press: npm passes on what the terminal has sent to all. */
const SAME_PRESS = 100

const listening = new Set<() => void>()

/** Stops what listens, as the first signal does; false where nothing listens. */
export function stopListeners(): boolean {
  for (const stop of listening) stop()
  return listening.size > 0
}

/** Calls back at the first Ctrl-C or SIGTERM; the second ends the program at once. Returns how to stop listening. */
export function onStop(stop: () => void): () => void {
  let first: number | undefined
  const stopOnce = (): void => {
    if (first !== undefined) return
    first = performance.now()
    stop()
  }
  const heard = (signal: NodeJS.Signals): void => {
    if (first === undefined) stopOnce()
    else if (performance.now() - first > SAME_PRESS) process.exit(128 + constants.signals[signal])
  }
  listening.add(stopOnce)
  process.on('SIGINT', heard)
  process.on('SIGTERM', heard)
  return () => {
    listening.delete(stopOnce)
    process.off('SIGINT', heard)
    process.off('SIGTERM', heard)
  }
}
