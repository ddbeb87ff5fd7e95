import { kindOf } from '../../shared/kinds.ts'
import { isHandle } from '../state/awaits.ts'
import { isPlainObject } from '../../ports/plain.ts'
import { AllowFailure } from '../host/input-marks.ts'
import { isReference, savedReference, type SavedReference } from './reference.ts'

/** The most characters of the arguments that `callRepr` shows by default. */
const LONGEST = 100

/**
 * A call as text, for labels and logs: `callRepr('f', [1, 'x'], { y: [1, 2] })` is
 * `f(1, 'x', y=[1, 2])`. The arguments are cut after `max` characters (100). A function or class is
 * shown by its name.
 *
 * @throws RangeError for a `max` that is not a number from 0
 */
export function callRepr(
  name: string | ((...args: never) => unknown) | (abstract new (...args: never) => unknown),
  args: readonly unknown[] = [],
  named: Readonly<Record<string, unknown>> = {},
  max: number = LONGEST,
): string {
  if (!(max >= 0)) throw new RangeError(`callRepr: max is a number of characters from 0, not ${max}`)
  const text = new Text(max)
  text.list([
    ...args.map((arg) => ['', arg] as const),
    ...Object.entries(named).map(([key, arg]) => [`${key}=`, arg] as const),
  ])
  const shown = text.toString()
  const cut = shown.length > max ? `${shown.slice(0, max).toWellFormed()}...` : shown
  return `${typeof name === 'string' ? name : name.name === '' ? 'anonymous' : name.name}(${cut})`
}

/** Writes values, and no more of them than are shown. */
class Text {
  readonly #max: number
  readonly #open = new Set<object>()
  #text = ''

  constructor(max: number) {
    this.#max = max
  }

  toString(): string {
    return this.#text
  }

  /** Writes items with what comes before each, separated by commas. */
  list(items: Iterable<readonly [before: string, item: unknown]>): void {
    let isFirst = true
    for (const [before, item] of items) {
      if (this.#text.length > this.#max) return
      this.#text += isFirst ? before : `, ${before}`
      isFirst = false
      this.#value(item)
    }
  }

  #value(value: unknown): void {
    if (typeof value === 'string') this.#text += quoted(value.slice(0, this.#max + 1))
    else if (typeof value === 'bigint') this.#text += `${value}n`
    else if (typeof value === 'function') this.#text += value.name === '' ? 'anonymous' : value.name
    else if (typeof value !== 'object' || value === null)
      this.#text += Object.is(value, -0) ? '-0' : String(value)
    else if (this.#open.has(value)) this.#text += '...'
    else {
      this.#open.add(value)
      this.#object(value)
      this.#open.delete(value)
    }
  }

  #object(value: object): void {
    const kind = kindOf(value)
    const reference =
      isReference(value) && !(value instanceof AllowFailure) ? savedReference(value) : undefined
    if (Array.isArray(value)) this.#within('[', unnamed(value), ']')
    else if (isHandle(value)) this.#text += `<process ${value.pid}>`
    else if (value instanceof AllowFailure) {
      this.#text += 'allowFailure('
      this.#value(value.handle)
      this.#text += ')'
    } else if (reference !== undefined) this.#text += referenceText(reference)
    else if (kind === 'Map') this.#within('Map {', pairs(value as Map<unknown, unknown>), '}')
    else if (kind === 'Set') this.#within('Set {', unnamed(value as Set<unknown>), '}')
    else if (kind === 'Date') this.#text += dateText(value as Date)
    else if (kind === 'RegExp' || kind === 'URL') this.#text += (value as RegExp | URL).toString()
    else if (value instanceof Error)
      this.#text += `${value.name}(${quoted(value.message.slice(0, this.#max + 1))})`
    else if (isPlainObject(value))
      this.#within(
        '{',
        Object.entries(value).map(([key, item]) => [`${key}: `, item] as const),
        '}',
      )
    else this.#text += `<${kind ?? classOf(value)}>`
  }

  #within(start: string, items: Iterable<readonly [string, unknown]>, end: string): void {
    this.#text += start
    this.list(items)
    this.#text += end
  }
}

function* pairs(map: Map<unknown, unknown>): Iterable<readonly [string, unknown]> {
  for (const [key, item] of map) yield [`${callRepr('', [key]).slice(1, -1)} => `, item]
}

function* unnamed(items: Iterable<unknown>): Iterable<readonly [string, unknown]> {
  for (const item of items) yield ['', item]
}

function referenceText({ pid, output, done, allowFailure }: SavedReference): string {
  const part = done === true ? ' done' : output === undefined ? '' : ` ${output}`
  const text = `<process ${pid}${part}>`
  return allowFailure === true ? `allowFailure(${text})` : text
}

function quoted(text: string): string {
  const escaped = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")
  return `'${escaped}'`
}

function dateText(date: Date): string {
  return Number.isNaN(date.getTime()) ? 'Invalid Date' : date.toISOString()
}

function classOf(value: object): string {
  const { constructor } = value as { readonly constructor?: { readonly name?: unknown } }
  return typeof constructor?.name === 'string' && constructor.name !== '' ? constructor.name : 'object'
}
