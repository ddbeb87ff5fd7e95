import ms from 'ms'

/** How long ago, in one word: `42s`, `3d`. */
export function ago(date: Date, now = Date.now()): string {
  return ms(Math.max(0, now - date.getTime()))
}

/** A length of time to the millisecond: `1.204 s`, `2:03.500`, `26:10:00.000`. */
export function elapsed(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds) / 1000
  if (seconds < 60) return `${seconds.toFixed(3)} s`
  const minutes = Math.floor(seconds / 60)
  const rest = (seconds % 60).toFixed(3).padStart(6, '0')
  if (minutes < 60) return `${minutes}:${rest}`
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${rest}`
}
