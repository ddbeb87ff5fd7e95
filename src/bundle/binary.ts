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

/** The kind, if its objects hold bytes. */
export function binaryKind(kind: Kind | undefined): BinaryKind | undefined {
  return isBinaryKind(kind) ? kind : undefined
}

/** Encodes the bytes of a buffer or a view. */
export function toBase64(value: ArrayBuffer | ArrayBufferView): string {
  return bytesOf(value).toString('base64')
}

/**
 * Decodes bytes into a new buffer. Returns undefined if the text is damaged or does not fit the
 * kind.
 */
export function fromBase64(kind: BinaryKind, base64: string): object | undefined {
  const bytes = Buffer.from(base64, 'base64')
  return bytes.toString('base64') === base64 ? ofBytes(kind, bytes) : undefined
}
