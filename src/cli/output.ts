import { Console } from 'node:console'
import { inspect } from 'node:util'

/** The answer to what was asked: on stdout. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, undefined, process.stdout.isTTY ? 2 : undefined))
}

/** From here on what processes print by `console` goes to stderr: stdout is for the answer alone. */
export function keepStdoutClean(): void {
  globalThis.console = new Console(process.stderr, process.stderr)
}

/** What is said beside the answer: on stderr. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** A value for people to read, in full. */
export function pretty(value: unknown): string {
  if (typeof value === 'string') return printable(value)
  return inspect(value, {
    depth: Number.POSITIVE_INFINITY,
    maxArrayLength: 100,
    maxStringLength: 10_000,
    breakLength: 100,
    colors: process.stdout.isTTY && process.stdout.hasColors(),
  })
}

/** Text from a store, without what could steer the terminal; line breaks and tabs stay. */
export function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\t]/gu, '�')
}

/** Lines of `name  value`, the values below each other; those without a value are left out. */
export function facts(pairs: readonly (readonly [name: string, value: string | null | undefined])[]): string {
  const told = pairs.filter((pair): pair is readonly [string, string] => pair[1] != null && pair[1] !== '')
  const width = Math.max(0, ...told.map(([name]) => name.length)) + 2
  return told
    .map(([name, value]) => name.padEnd(width) + printable(value).replaceAll('\n', `\n${' '.repeat(width)}`))
    .join('\n')
}
