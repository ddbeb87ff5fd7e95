/** Calls back at SIGTERM or SIGINT, once. Returns how to stop listening; the program's own way of ending is then back. */
export function onStopSignals(stop: () => void): () => void {
  const forget = (): void => {
    process.off('SIGTERM', heard)
    process.off('SIGINT', heard)
  }
  const heard = (): void => {
    forget()
    stop()
  }
  process.on('SIGTERM', heard)
  process.on('SIGINT', heard)
  return forget
}
