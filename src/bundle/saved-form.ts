import { SerializationError } from '../shared/errors.ts'
import { setOwn } from '../shared/own.ts'
import { Bundle, type BundleHead, outputPart, recordPart } from './bundle.ts'
import type { Codec } from './codec.ts'
import { decodeMemory, encodeMemory, record } from './memory-part.ts'

/** A bundle with its values decoded, to read and change. `static upgrade` receives it. */
export interface SavedForm {
  readonly pid: string
  /** The registered name of the class. */
  readonly class: string
  /** The version of the saved form. */
  version: number
  /** The state and its data: `{ label, step, args, … }`. */
  state: Record<string, unknown>
  /** The inputs as they were given. */
  inputs: Record<string, unknown>
  /** The inputs with defaults filled in, if they differ from the given ones. */
  parsed: Record<string, unknown> | undefined
  /** The emitted values by dotted port name. */
  outputs: Record<string, unknown>
  ctx: Record<string, unknown>
  /** The members named by `persisted`. */
  members: Record<string, unknown>
  /** The data that `saveInstanceState` added. */
  instance: Record<string, unknown>
  /**
   * What the unfinished step has done, by kind and name: `effect:charge`. Delete an entry to make
   * the new version of the step repeat it.
   */
  record: Record<string, unknown>
  /** The options of its launch. */
  launch: Record<string, unknown> | undefined
}

/**
 * Decodes the values of a bundle.
 *
 * @throws IncompatibleBundle if the bundle is damaged or one of its types is not registered, with
 * the path
 */
export function decodeBundle(bundle: Bundle, codec: Codec): SavedForm {
  const { head, parts } = bundle
  const part = (name: string): Record<string, unknown> =>
    record(codec.parse(parts[name] ?? 'null', name), name)
  const outputs: Record<string, unknown> = {}
  for (const port of bundle.outputNames) {
    setOwn(outputs, port, codec.parse(parts[outputPart(port)] ?? 'null', `outputs.${port}`))
  }
  const done: Record<string, unknown> = {}
  for (const name of bundle.recordNames) {
    setOwn(done, name, codec.parse(parts[recordPart(name)] ?? 'null', `record.${name}`))
  }
  return {
    pid: head.pid,
    class: head.class,
    version: head.version,
    state: part('state'),
    inputs: part('inputs'),
    parsed: parts['parsed'] === undefined ? undefined : part('parsed'),
    outputs,
    ...decodeMemory(parts['memory'], codec),
    record: done,
    launch: parts['launch'] === undefined ? undefined : part('launch'),
  }
}

/**
 * Encodes values as a bundle. `head` provides the rest of its head.
 *
 * @throws SerializationError with the path to a value that can't be saved (C10)
 */
export function encodeBundle(head: BundleHead, form: SavedForm, codec: Codec): Bundle {
  const parts: Record<string, string> = {}
  for (const name of ['state', 'inputs', 'parsed'] as const) {
    const value = form[name]
    if (value === undefined && name === 'parsed') continue
    if (typeof value !== 'object' || value === null) {
      throw new SerializationError(name, `it should be an object of named values, and is ${String(value)}`)
    }
    parts[name] = codec.stringify(value, name)
  }
  for (const [port, value] of Object.entries(form.outputs)) {
    parts[outputPart(port)] = codec.stringify(value, `outputs.${port}`)
  }
  for (const [name, value] of Object.entries(form.record)) {
    parts[recordPart(name)] = codec.stringify(value, `record.${name}`)
  }
  const memory = encodeMemory(form, codec)
  if (memory !== undefined) parts['memory'] = memory
  if (form.launch !== undefined) parts['launch'] = codec.stringify(form.launch, 'launch')
  return Bundle.fromParts({ ...head, version: form.version }, parts)
}
