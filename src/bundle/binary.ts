const VIEWS = {
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
} as const

const KINDS: ReadonlyMap<object, string> = new Map([
  ...Object.entries(VIEWS).map(([kind, view]) => [view.prototype, kind] as const),
  [ArrayBuffer.prototype, 'ArrayBuffer'],
  [Buffer.prototype, 'Buffer'],
])
const NAMES: ReadonlySet<string> = new Set(KINDS.values())

/** The kind of bytes that objects with this prototype are; a user's own subclass is none. */
export function binaryKind(prototype: object): string | undefined {
  return KINDS.get(prototype)
}

export function isBinaryKind(kind: unknown): kind is string {
  return typeof kind === 'string' && NAMES.has(kind)
}

/** The bytes of a buffer, or those that a view sees. */
export function toBase64(value: ArrayBuffer | ArrayBufferView): string {
  const bytes = ArrayBuffer.isView(value)
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : Buffer.from(value)
  return bytes.toString('base64')
}

/** Bytes of that kind, in a buffer of their own; undefined where the text is damaged or does not fit the kind. */
export function fromBase64(kind: string, base64: string): object | undefined {
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.toString('base64') !== base64) return undefined
  // A copy: small Buffers share one pool.
  const buffer = new ArrayBuffer(bytes.byteLength)
  new Uint8Array(buffer).set(bytes)
  if (kind === 'ArrayBuffer') return buffer
  if (kind === 'Buffer') return Buffer.from(buffer)
  if (kind === 'DataView') return new DataView(buffer)
  const View = VIEWS[kind as Exclude<keyof typeof VIEWS, 'DataView'>]
  return buffer.byteLength % View.BYTES_PER_ELEMENT === 0 ? new View(buffer) : undefined
}
