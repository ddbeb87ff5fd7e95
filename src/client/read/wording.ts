/** Returns a message in parentheses; nothing if there is no message. */
export function inParentheses(message: string | null): string {
  return message === null ? '' : ` (${message})`
}

/** Returns a length of time in words. */
export function span(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds) / 1000
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`
  if (seconds < 90) return `${seconds.toFixed(1)} s`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`
  if (seconds < 129_600) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

/** Returns a time, and for a future one how long it is until then. */
export function formatTime(time: number, now: number): string {
  const date = new Date(time)
  const text = Number.isNaN(date.getTime()) ? String(time) : date.toISOString()
  return time > now ? `${text}, in ${span(time - now)}` : text
}
