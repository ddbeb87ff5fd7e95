import type { LogEntry } from '../state/report.ts'

/** What a process has written to each stream. */
export function outputText(entries: readonly Pick<LogEntry, 'stream' | 'text'>[]): {
  readonly stdout: string
  readonly stderr: string
} {
  const text = { stdout: '', stderr: '' }
  for (const { stream, text: added } of entries) text[stream] += added
  return text
}
