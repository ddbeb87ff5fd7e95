import type { Progress } from '../../index.ts'

/** A progress in one line: `3 of 10 (30 %), relaxing`. */
export function progressText({ done, total, message }: Progress): string {
  const parts = [
    total === undefined ? number(done) : `${number(done)} of ${number(total)}${percent(done, total)}`,
  ]
  if (message !== undefined && message !== '') parts.push(message)
  return parts.join(', ')
}

function percent(done: number, total: number): string {
  return total === 0 ? '' : ` (${Math.floor(Math.min(1, done / total) * 100)} %)`
}

function number(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 3 })
}
