/*
 * The built-in kinds of objects. They are recognised by more than their prototypes, so that objects
 * of another realm (`node:vm`, a test runner's threads) have the same kinds.
 */

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
} as const

export type ViewKind = keyof typeof VIEWS
export type BinaryKind = ViewKind | 'DataView' | 'ArrayBuffer' | 'Buffer'
export type Kind = BinaryKind | 'Date' | 'Map' | 'Set' | 'RegExp' | 'URL'

/** The kinds by their prototypes in this realm. A subclass of the user has no kind. */
const LOCAL: ReadonlyMap<unknown, Kind> = new Map<unknown, Kind>([
  ...Object.entries(VIEWS).map(([kind, view]) => [view.prototype, kind as ViewKind] as const),
  [DataView.prototype, 'DataView'],
  [ArrayBuffer.prototype, 'ArrayBuffer'],
  [Buffer.prototype, 'Buffer'],
  [Date.prototype, 'Date'],
  [Map.prototype, 'Map'],
  [Set.prototype, 'Set'],
  [RegExp.prototype, 'RegExp'],
  [URL.prototype, 'URL'],
])

/** The kind of an object, or undefined for an object of any other class. */
export function kindOf(value: object): Kind | undefined {
  const prototype: unknown = Object.getPrototypeOf(value)
  return LOCAL.get(prototype) ?? foreignKind(value, prototype)
}

/**
 * The kind of an object of another realm. The prototype chain of a subclass is one level longer.
 */
function foreignKind(value: object, prototype: unknown): Kind | undefined {
  if (ArrayBuffer.isView(value)) {
    const view = viewKind(value)
    const kind = view ?? 'DataView'
    return levelsOf(prototype) === (view === undefined ? 2 : 3) ? kind : undefined
  }
  const kind = BRANDED.get(Object.prototype.toString.call(value).slice(8, -1))
  return kind !== undefined && levelsOf(prototype) === 2 && kind.is(value) ? kind.name : undefined
}

/** Whether a value is a plain array of any realm. */
export function isPlainList(value: object): value is unknown[] {
  if (!Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Array.prototype || (Array.isArray(prototype) && levelsOf(prototype) === 2)
}

const tag = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)

function viewKind(value: ArrayBufferView): ViewKind | undefined {
  return tag?.get?.call(value) as ViewKind | undefined
}

interface Branded {
  readonly name: Kind
  readonly is: (value: object) => boolean
}

/** Kinds by their tags. `is` reads an internal slot, which only a real object of the kind has. */
const BRANDED: ReadonlyMap<string, Branded> = new Map(
  (
    [
      ['Date', (value) => Date.prototype.getTime.call(value as Date)],
      ['Map', (value) => Map.prototype.has.call(value as Map<unknown, unknown>, value)],
      ['Set', (value) => Set.prototype.has.call(value as Set<unknown>, value)],
      ['RegExp', (value) => Object.getOwnPropertyDescriptor(RegExp.prototype, 'source')?.get?.call(value)],
      ['ArrayBuffer', (value) => ArrayBuffer.prototype.slice.call(value as ArrayBuffer, 0, 0)],
    ] as const satisfies readonly (readonly [Kind, (value: object) => unknown])[]
  ).map(([name, ask]) => [name, { name, is: (value: object) => !throws(() => ask(value)) }] as const),
)

function throws(act: () => unknown): boolean {
  try {
    act()
    return false
  } catch {
    return true
  }
}

function levelsOf(prototype: unknown): number {
  let levels = 0
  for (let at: unknown = prototype; at !== null; at = Object.getPrototypeOf(at)) levels++
  return levels
}

/** Whether an object is an error of any realm. */
export function isError(value: object): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]'
}

/** Whether a function is built in. */
export function isNative(made: object): boolean {
  return /^function \w+\(\) \{\s+\[native code\]\s+\}$/.test(Function.prototype.toString.call(made))
}

/** The bytes of a buffer or a view. */
export function bytesOf(value: ArrayBuffer | ArrayBufferView): Buffer {
  return ArrayBuffer.isView(value)
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : Buffer.from(value)
}

/**
 * Makes a value of a kind with a copy of the bytes. Returns undefined if they do not fit the kind.
 */
export function ofBytes(kind: BinaryKind, bytes: Uint8Array): object | undefined {
  // Copied, since small Buffers share one pool.
  const buffer = new ArrayBuffer(bytes.byteLength)
  new Uint8Array(buffer).set(bytes)
  if (kind === 'ArrayBuffer') return buffer
  if (kind === 'Buffer') return Buffer.from(buffer)
  if (kind === 'DataView') return new DataView(buffer)
  const View = VIEWS[kind]
  return buffer.byteLength % View.BYTES_PER_ELEMENT === 0 ? new View(buffer) : undefined
}

/** Copies an object of a kind into this realm. The items of a Map or Set stay the same objects. */
export function copyOfKind(value: object, kind: Kind): object {
  switch (kind) {
    case 'Date':
      return new Date(Date.prototype.getTime.call(value as Date))
    case 'Map':
      return new Map(value as Map<unknown, unknown>)
    case 'Set':
      return new Set(value as Set<unknown>)
    case 'RegExp': {
      const { source, flags, lastIndex } = value as RegExp
      const pattern = new RegExp(source, flags)
      pattern.lastIndex = lastIndex
      return pattern
    }
    case 'URL':
      return new URL((value as URL).href)
    default:
      // The bytes come from a value of this kind, so they fit.
      return ofBytes(kind, bytesOf(value as ArrayBuffer | ArrayBufferView)) ?? value
  }
}
