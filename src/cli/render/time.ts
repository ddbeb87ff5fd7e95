import ms from 'ms'

/** Returns the time since a date in one word, such as `42s` or `3d`. */
export function ago(date: Date, now = Date.now()): string {
  return ms(Math.max(0, now - date.getTime()))
}

/** Returns how long it is until a date: `in 8h`, or `now` once it has passed. */
export function until(date: Date, now: number): string {
  return date.getTime() > now ? `in ${ms(date.getTime() - now)}` : 'now'
}

const MINUTE = 60_000

/** Returns a local time; with the date unless it is today, and with seconds within ten minutes from now. */
export function clockTime(at: number, now: number): string {
  const date = new Date(at)
  if (Number.isNaN(date.getTime())) return String(at)
  const time = [
    date.getHours(),
    date.getMinutes(),
    ...(Math.abs(at - now) < 10 * MINUTE ? [date.getSeconds()] : []),
  ]
  const text = time.map(twoDigits).join(':')
  if (date.toDateString() === new Date(now).toDateString()) return text
  return `${date.getFullYear()}-${twoDigits(date.getMonth() + 1)}-${twoDigits(date.getDate())} ${text}`
}

/** Replaces the ISO times in a text by local times. */
export function withClockTimes(text: string, now: number): string {
  return text.replaceAll(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, (time) =>
    clockTime(Date.parse(time), now),
  )
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0')
}

/** Returns a length of time to the millisecond: `1.204 s`, `2:03.500`, `26:10:00.000`. */
export function elapsed(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds) / 1000
  if (seconds < 60) return `${seconds.toFixed(3)} s`
  const minutes = Math.floor(seconds / 60)
  const rest = (seconds % 60).toFixed(3).padStart(6, '0')
  if (minutes < 60) return `${minutes}:${rest}`
  return `${Math.floor(minutes / 60)}:${twoDigits(minutes % 60)}:${rest}`
}
