import * as fc from '../run/properties.ts'
import { NonRetryableError, StepTimeout } from '../../src/shared/errors.ts'

/** What is saved without being an object. */
const leaf = fc.oneof(
  fc.string({ unit: fc.character }),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.bigInt(),
  fc.constantFrom(null, undefined, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0),
)

/** Keys that have a meaning for JavaScript, for the codec, or for the order of keys. */
const key = fc.oneof(
  fc.string(),
  fc.constantFrom('$', 'id', 'fields', '__proto__', 'constructor', 'toString', 'length', '0', '10', '-1', ''),
)

const bytes = fc.uint8Array({ maxLength: 24 })

const whole = fc.oneof(
  fc.date({ noInvalidDate: false }),
  bytes,
  bytes.map((b) => Buffer.from(b)),
  bytes.map((b) => b.slice().buffer),
  bytes.map((b) => new DataView(b.slice().buffer)),
  bytes.map((b) => new Int16Array(b.slice(0, b.length & ~1).buffer)),
  fc.float64Array({ maxLength: 4 }),
  fc.bigInt64Array({ maxLength: 4 }),
  fc.constantFrom(/a+/gu, /[/\]]\//, new RegExp('')).map((r) => new RegExp(r)),
  // The URLs of fast-check itself have a list of all characters, which takes long to make.
  fc
    .tuple(fc.domain(), fc.string({ unit: fc.character }), fc.string({ unit: fc.character }))
    .map(
      ([domain, path, query]) =>
        new URL(`https://${domain}/${encodeURIComponent(path)}?${encodeURIComponent(query)}`),
    ),
)

type Container = unknown[] | Map<unknown, unknown> | Set<unknown> | Record<string, unknown> | Error
const kinds = ['object', 'dict', 'array', 'sparse', 'Map', 'Set', 'Error', 'Damson'] as const
type Kind = (typeof kinds)[number]

function emptyOf(kind: Kind, text: string): Container {
  const even = text.length % 2 === 0
  switch (kind) {
    case 'object':
      return {}
    case 'dict':
      return Object.create(null) as Record<string, unknown>
    case 'array':
    case 'sparse':
      return []
    case 'Map':
      return new Map()
    case 'Set':
      return new Set()
    case 'Error':
      return even ? new TypeError(text) : new Error(text, { cause: text })
    case 'Damson':
    default:
      return even ? new StepTimeout(text) : new NonRetryableError(text)
  }
}

function add(to: Container, kind: Kind, name: string, value: unknown): void {
  if (to instanceof Map) to.set(name.length % 3 === 0 ? value : name, value)
  else if (to instanceof Set) to.add(value)
  else if (kind === 'sparse') (to as unknown[])[(to as unknown[]).length + (name.length % 3)] = value
  else if (Array.isArray(to)) to.push(value)
  else if (to instanceof Error && ['name', 'message', 'stack', '__proto__', 'constructor'].includes(name))
    return
  else Object.defineProperty(to, name, { value, enumerable: true, configurable: true, writable: true })
}

const content = fc.tuple(
  key,
  fc.oneof(
    { weight: 3, arbitrary: leaf },
    whole,
    fc.nat().map((at) => ({ at })),
  ),
)

/** A value of containers of every kind that may hold leaves, each other and themselves. */
export const anyValue: fc.Arbitrary<unknown> = fc
  .array(
    fc.record({
      kind: fc.constantFrom(...kinds),
      text: fc.string(),
      contents: fc.array(content, { maxLength: 5 }),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((plans) => {
    const made = plans.map(({ kind, text }) => emptyOf(kind, text))
    for (const [index, { kind, contents }] of plans.entries()) {
      for (const [name, value] of contents) {
        const linked = isLink(value) ? made[value.at % made.length] : value
        add(made[index] as Container, kind, name, linked)
      }
    }
    return made[0]
  })

/** As `anyValue`, and an object of named values. */
export const anyRecord = fc
  .dictionary(
    key.filter((k) => k !== '__proto__'),
    anyValue,
    { maxKeys: 3 },
  )
  .map((record) => ({ ...record }))

function isLink(value: unknown): value is { at: number } {
  return typeof value === 'object' && value !== null && Object.keys(value).join() === 'at'
}
