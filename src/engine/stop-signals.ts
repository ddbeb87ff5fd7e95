const SIGNALS = ['SIGTERM', 'SIGINT'] as const

/** The functions that close the engines that listen in this program. */
const stops = new Set<() => Promise<unknown>>()

/**
 * Closes an engine at SIGTERM or SIGINT (C12). Returns how to stop listening.
 *
 * When all engines that listened have closed, the signal is raised again, so that it does what it
 * would have done without them. If the program has a listener of its own, the signal is not raised
 * again, and that listener decides whether the program ends.
 */
export function onStopSignals(stop: () => Promise<unknown>): () => void {
  if (stops.size === 0) {
    // Runs before all others, so that a listener added by `once` can still be counted.
    process.prependListener('SIGTERM', heard)
    process.prependListener('SIGINT', heard)
  }
  stops.add(stop)
  return () => {
    if (stops.delete(stop) && stops.size === 0) forget()
  }
}

function heard(signal: NodeJS.Signals): void {
  // From here on a second signal ends the program as it would without an engine.
  forget()
  const isOurs = process.listenerCount(signal) === 0
  const closing = [...stops].map((stop) => stop())
  stops.clear()
  void Promise.allSettled(closing).then(() => {
    if (isOurs && process.listenerCount(signal) === 0) process.kill(process.pid, signal)
  })
}

function forget(): void {
  for (const signal of SIGNALS) process.off(signal, heard)
}
