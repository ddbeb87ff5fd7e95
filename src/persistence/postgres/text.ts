/*
 * Postgres stores no NUL character. A private character marks one, and itself.
 */

const MARK = '\uF8FF'
const NUL = '\u0000'
const SPECIAL = new RegExp(`[${NUL}${MARK}]`, 'g')
const MARKED = /\uF8FF[0\uF8FF]/g

/** JSON text whose strings Postgres can store. */
export function encodeJson(value: unknown): string {
  const text = JSON.stringify(value)
  const isPlain = !text.includes('\\u0000') && !text.includes(MARK) && !text.includes('\\ud')
  return isPlain
    ? text
    : JSON.stringify(value, (_key, one: unknown) => (typeof one === 'string' ? encodeText(one) : one))
}

/** The value of JSON text that Postgres made from stored strings. */
export function decodeJson(text: string): unknown {
  if (!text.includes(MARK)) return JSON.parse(text)
  return JSON.parse(text, (_key, one: unknown) => (typeof one === 'string' ? decodeText(one) : one))
}

export function encodeText(text: string): string {
  return text.toWellFormed().replace(SPECIAL, (one) => (one === NUL ? `${MARK}0` : `${MARK}${MARK}`))
}

export function decodeText(text: string): string {
  return text.includes(MARK) ? text.replace(MARKED, (pair) => (pair === `${MARK}0` ? NUL : MARK)) : text
}
