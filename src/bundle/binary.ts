import { bytesOf, ofBytes, type BinaryKind, type Kind } from '../shared/kinds.ts'

const NAMES: ReadonlySet<string> = new Set<BinaryKind>([
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'DataView',
  'ArrayBuffer',
  'Buffer',
])

export function isBinaryKind(kind: unknown): kind is BinaryKind {
  return typeof kind === 'string' && NAMES.has(kind)
}

/** The kind of bytes that an object of this kind is. */
export function binaryKind(kind: Kind | undefined): BinaryKind | undefined {
  return isBinaryKind(kind) ? kind : undefined
}

/** The bytes of a buffer, or those that a view sees. */
export function toBase64(value: ArrayBuffer | ArrayBufferView): string {
  return bytesOf(value).toString('base64')
}

/** Bytes of that kind, in a buffer of their own; undefined where the text is damaged or does not fit the kind. */
export function fromBase64(kind: BinaryKind, base64: string): object | undefined {
  const bytes = Buffer.from(base64, 'base64')
  return bytes.toString('base64') === base64 ? ofBytes(kind, bytes) : undefined
}
