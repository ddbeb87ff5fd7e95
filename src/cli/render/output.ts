import { Console } from 'node:console'
import { inspect, type InspectOptions } from 'node:util'
import { paint } from './paint.ts'
import { PLAIN, type Screen } from './screen.ts'
import { wrap } from './wrap.ts'
import { printable, printableJson } from '../../shared/terminal-text.ts'

/*
 * Every output of the command line goes through this file, which keeps texts from controlling the terminal.
 */

/** Prints the answer of a command to stdout. */
export function print(text: string): void {
  process.stdout.write(`${printable(text)}\n`)
}

/** Prints a part of the log of a process, which has its own line breaks. */
export function printLog(text: string, stream: 'stdout' | 'stderr'): void {
  process[stream].write(printable(text))
}

/** Prints an answer whose parts were escaped before they were put together, such as a table. It may have colours. */
export function printEscaped(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** Prints an answer for programs. A bigint, which JSON lacks, takes its saved form. */
export function printJson(value: unknown): void {
  const saved = (_: string, member: unknown): unknown =>
    typeof member === 'bigint' ? { $: 'bigint', value: String(member) } : member
  process.stdout.write(
    `${printableJson(JSON.stringify(value, saved, process.stdout.isTTY ? 2 : undefined))}\n`,
  )
}

/** Sends the `console` output of processes to stderr, since stdout is for the answer alone. */
export function keepStdoutClean(): void {
  globalThis.console = new Console(process.stderr, process.stderr)
}

/** Prints a remark beside the answer to stderr. On a terminal its lines break between words. */
export function note(text: string): void {
  const { isTTY, columns } = process.stderr
  const width = isTTY && columns > 0 ? columns : PLAIN.width
  process.stderr.write(`${wrap(printable(text), width)}\n`)
}

/** Returns a readable, escaped text of a whole value, which lies `indent` columns to the right. */
export function pretty(value: unknown, { width, colours }: Screen = PLAIN, indent = 0): string {
  if (typeof value === 'string') return printable(value)
  const options: InspectOptions = {
    depth: Number.POSITIVE_INFINITY,
    maxArrayLength: 100,
    maxStringLength: 10_000,
    breakLength: Math.max(20, Math.min(100, width - indent)),
  }
  const plain = inspect(value, options)
  // With no escape character of its own, those of the painted text are colours.
  if (!colours || plain.includes('\u001B')) return printable(plain)
  return inspect(value, { ...options, colors: true })
    .split(COLOUR)
    .map((part, index) => (index % 2 === 1 ? part : printable(part)))
    .join('')
}

/** A colour of `inspect`; splitting a text by it keeps the colours at odd places. */
// oxlint-disable-next-line no-control-regex
const COLOUR = /(\u001B\[\d+m)/

/** A name and its value. A value that is not a text is shown as a value of JavaScript is. */
export type Fact = readonly [name: string, value: string | { readonly shown: unknown } | null | undefined]

/** Returns escaped lines of `name  value` with aligned values. Names without a value are left out. */
export function facts(pairs: readonly Fact[], screen: Screen = PLAIN): string {
  const given = pairs.filter(([, value]) => value != null && value !== '')
  const width = Math.max(0, ...given.map(([name]) => name.length)) + 2
  return given
    .map(([name, value]) => {
      const text =
        typeof value === 'object'
          ? pretty(value?.shown, screen, width)
          : wrap(printable(value ?? ''), screen.width - width, '')
      return (
        paint(name, 'dim', screen) +
        ' '.repeat(width - name.length) +
        text.replaceAll('\n', `\n${' '.repeat(width)}`)
      )
    })
    .join('\n')
}
