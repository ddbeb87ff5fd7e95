/** The text of a thrown value: the message of an error, or the value as text. Never throws. */
export function errorText(thrown: unknown): string {
  try {
    return thrown instanceof Error ? thrown.message : thrownText(thrown)
  } catch {
    return 'it threw something that has no text'
  }
}

/** The most characters of a thrown object that are shown. */
const LONGEST = 1_000

/**
 * The text of a thrown value that is not an error. An object without a text of its own is shown as
 * JSON.
 *
 * @throws whatever the object throws when it is read
 */
export function thrownText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  const own: unknown = Reflect.get(value, 'toString')
  const text: unknown = TEXTS_OF_ANY.has(own) ? JSON.stringify(value) : undefined
  if (typeof text !== 'string') return (value as { toString(): string }).toString()
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text
}

/** The `toString` methods that every object and every list has. An object without a prototype has none. */
const TEXTS_OF_ANY: ReadonlySet<unknown> = new Set([
  undefined,
  Reflect.get(Object.prototype, 'toString'),
  Reflect.get(Array.prototype, 'toString'),
])
