import { constants } from 'node:os'

/** A signal this soon after the first is the same key press: npm passes on what the terminal has sent to all. */
const SAME_PRESS = 100

/** Calls back at the first Ctrl-C or SIGTERM; the second ends the program at once. Returns how to stop listening. */
export function onStop(stop: () => void): () => void {
  let first: number | undefined
  const heard = (signal: NodeJS.Signals): void => {
    if (first === undefined) {
      first = performance.now()
      stop()
    } else if (performance.now() - first > SAME_PRESS) process.exit(128 + constants.signals[signal])
  }
  process.on('SIGINT', heard)
  process.on('SIGTERM', heard)
  return () => {
    process.off('SIGINT', heard)
    process.off('SIGTERM', heard)
  }
}
