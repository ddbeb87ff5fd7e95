const SIGNALS = ['SIGTERM', 'SIGINT'] as const

/** How the engines of this program that listen are closed. */
const stops = new Set<() => Promise<unknown>>()

/**
 * Closes an engine at SIGTERM or SIGINT (C12). Returns how to stop listening.
 *
 * When all engines that listened have closed, the signal is raised again, so that it does what it
 * would have done without them. Not where the program has a listener of its own: then that decides
 * what becomes of the program.
 */
export function onStopSignals(stop: () => Promise<unknown>): () => void {
  if (stops.size === 0) {
    // Before all others, so that one that listens once is still there to be counted.
    process.prependListener('SIGTERM', heard)
    process.prependListener('SIGINT', heard)
  }
  stops.add(stop)
  return () => {
    if (stops.delete(stop) && stops.size === 0) forget()
  }
}

function heard(signal: NodeJS.Signals): void {
  // From here on the program's own way of ending is back, for a second signal too.
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
