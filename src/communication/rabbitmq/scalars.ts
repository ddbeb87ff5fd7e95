/*
 * Plain scalars as PyYAML reads them, by YAML 1.1. Libraries for YAML 1.2 read other values: `yes`,
 * `0o7`, `1e3` and `1:30` differ.
 */

const BOOLEANS: Readonly<Record<string, boolean>> = {
  yes: true,
  true: true,
  on: true,
  no: false,
  false: false,
  off: false,
}
const BOOLEAN = /^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/
const NULL = /^(?:~|null|Null|NULL|)$/
const INTEGER = /^[-+]?(?:0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|[1-9][0-9_]*(?::[0-5]?[0-9])+)$/
const FLOAT =
  /^(?:[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*)$/
const SPECIAL_FLOAT = /^(?:([-+]?)\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/

/** The value of a plain scalar. A time stays text. */
export function plainScalar(text: string): unknown {
  if (NULL.test(text)) return null
  if (BOOLEAN.test(text)) return BOOLEANS[text.toLowerCase()]
  if (INTEGER.test(text)) return integer(text)
  if (FLOAT.test(text)) return float(text)
  const special = SPECIAL_FLOAT.exec(text)
  if (special === null) return text
  if (special[1] === undefined) return Number.NaN
  return special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
}

/** An integer; a bigint if a number does not hold it exactly. */
export function integer(text: string): number | bigint {
  const digits = text.replaceAll('_', '')
  const isNegative = digits.startsWith('-')
  const bare = digits.replace(/^[-+]/, '')
  const value = bare.includes(':')
    ? bare.split(':').reduce((sum, part) => sum * 60n + BigInt(part), 0n)
    : BigInt(/^0[0-7]+$/.test(bare) ? `0o${bare.slice(1)}` : bare)
  const signed = isNegative ? -value : value
  const number = Number(signed)
  return BigInt(number) === signed ? number : signed
}

function float(text: string): number {
  const digits = text.replaceAll('_', '')
  if (!digits.includes(':')) return Number(digits)
  const isNegative = digits.startsWith('-')
  const value = digits
    .replace(/^[-+]/, '')
    .split(':')
    .reduce((sum, part) => sum * 60 + Number(part), 0)
  return isNegative ? -value : value
}
