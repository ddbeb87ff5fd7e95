import { Console } from 'node:console'
import { inspect } from 'node:util'
import { printable, printableJson } from './terminal-text.ts'

/*
 * Every output of the command line goes through this file, which keeps texts from controlling the terminal.
 */

/** Prints the answer of a command to stdout. */
export function print(text: string): void {
  process.stdout.write(`${printable(text)}\n`)
}

export function printJson(value: unknown): void {
  process.stdout.write(
    `${printableJson(JSON.stringify(value, undefined, process.stdout.isTTY ? 2 : undefined))}\n`,
  )
}

/** Sends the `console` output of processes to stderr, since stdout is for the answer alone. */
export function keepStdoutClean(): void {
  globalThis.console = new Console(process.stderr, process.stderr)
}

/** Prints a remark beside the answer to stderr. */
export function note(text: string): void {
  process.stderr.write(`${printable(text)}\n`)
}

/** Returns a readable text of a whole value. */
export function pretty(value: unknown): string {
  if (typeof value === 'string') return value
  return inspect(value, {
    depth: Number.POSITIVE_INFINITY,
    maxArrayLength: 100,
    maxStringLength: 10_000,
    breakLength: 100,
  })
}

/** Returns lines of `name  value` with aligned values. Names without a value are left out. */
export function facts(pairs: readonly (readonly [name: string, value: string | null | undefined])[]): string {
  const given = pairs.filter((pair): pair is readonly [string, string] => pair[1] != null && pair[1] !== '')
  const width = Math.max(0, ...given.map(([name]) => name.length)) + 2
  return given
    .map(([name, value]) => name.padEnd(width) + value.replaceAll('\n', `\n${' '.repeat(width)}`))
    .join('\n')
}
