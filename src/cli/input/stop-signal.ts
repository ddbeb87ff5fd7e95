import { constants } from 'node:os'

/** A signal within this time is the same key press, since npm forwards a signal that the terminal sends to all programs. */
const SAME_PRESS = 100

const listening = new Set<() => void>()

/** Calls the listeners as the first signal does. Returns false if there are none. */
export function stopListeners(): boolean {
  for (const stop of listening) stop()
  return listening.size > 0
}

/** Calls back at the first Ctrl-C or SIGTERM. The second one ends the program. Returns a function that stops listening. */
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
