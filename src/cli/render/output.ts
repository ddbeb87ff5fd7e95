import { Console } from 'node:console'
import { inspect } from 'node:util'
import { printable, printableJson } from './terminal-text.ts'

/*
 * All that the command line says goes through here, and through nothing else, so that nothing in it can steer the terminal.
 */

/** The answer to what was asked: on stdout. */
export function print(text: string): void {
  process.stdout.write(`${printable(text)}\n`)
}

export function printJson(value: unknown): void {
  process.stdout.write(
    `${printableJson(JSON.stringify(value, undefined, process.stdout.isTTY ? 2 : undefined))}\n`,
  )
}

/** From here on what processes print by `console` goes to stderr: stdout is for the answer alone. */
export function keepStdoutClean(): void {
  globalThis.console = new Console(process.stderr, process.stderr)
}

/** What is said beside the answer: on stderr. */
export function note(text: string): void {
  process.stderr.write(`${printable(text)}\n`)
}

/** A value for people to read, in full. */
export function pretty(value: unknown): string {
  if (typeof value === 'string') return value
  return inspect(value, {
    depth: Number.POSITIVE_INFINITY,
    maxArrayLength: 100,
    maxStringLength: 10_000,
    breakLength: 100,
  })
}

/** Lines of `name  value`, the values below each other; those without a value are left out. */
export function facts(pairs: readonly (readonly [name: string, value: string | null | undefined])[]): string {
  const told = pairs.filter((pair): pair is readonly [string, string] => pair[1] != null && pair[1] !== '')
  const width = Math.max(0, ...told.map(([name]) => name.length)) + 2
  return told
    .map(([name, value]) => name.padEnd(width) + value.replaceAll('\n', `\n${' '.repeat(width)}`))
    .join('\n')
}
