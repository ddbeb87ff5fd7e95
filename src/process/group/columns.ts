import type { AbortSignal } from '../../shared/abort-signal.ts'
import { shown } from '../../shared/options.ts'
import { Each } from '../host/group-options.ts'
import { quote } from '../host/input-marks.ts'
import type { ProcessHandle, Ref } from '../host/process-handle.ts'
import { DoneReference, OutputReference } from '../references/output-reference.ts'
import { WaitingGroup } from './waiting-group.ts'

type Row = Readonly<Record<string, unknown>>
type Column = readonly [name: string, values: Iterable<unknown>]

/**
 * Returns the inputs with lists in place of the references to them. Waits for the processes that
 * return the lists, since the number of processes depends on them. Nothing is stored meanwhile; a
 * step that runs again waits again.
 *
 * @throws the error of a process that failed
 * @throws TypeError for a value that is not a list
 */
export async function withLists(inputs: Row, signal: AbortSignal | undefined, where = 'map'): Promise<Row> {
  const given: unknown = inputs
  if (typeof given !== 'object' || given === null) return inputs
  const entries = Object.entries(inputs)
  if (!entries.some(([, value]) => value instanceof Each && !isIterable(value.values))) return inputs
  const read = entries.map(async ([name, value]) => {
    const source: unknown = value instanceof Each ? value.values : undefined
    if (source === undefined || isIterable(source)) return [name, value] as const
    const list = await resultOf(source as ProcessHandle | OutputReference, signal)
    if (!isIterable(list)) {
      const { pid } = source as Ref
      throw new TypeError(
        `${where}: the column ${name} takes a list, and the process ${pid} gives ${shown(list)}`,
      )
    }
    // A value of a result is never searched for handles.
    return [name, new Each(Array.from(list, (one) => (isObject(one) ? quote(one) : one)))] as const
  })
  return Object.fromEntries(await Promise.all(read))
}

/** The result of a process, which has to succeed, as for any input. */
async function resultOf(
  source: ProcessHandle | OutputReference,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const handle = source instanceof OutputReference ? source.handle : source
  await new DoneReference(handle).result({ signal })
  return source.result({ signal })
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/**
 * Returns the inputs of each process of a `map`. If all columns must have one length, they are
 * compared before the first row, so that nothing is launched if they differ. For that, a column
 * that is not an array is read as far as needed.
 *
 * @throws TypeError for anything but an object of inputs, without any column, or for another
 *   `lengths`
 * @throws RangeError for columns of different lengths
 */
export function rowsOf(
  inputs: Row,
  lengths: 'equal' | 'shortest' | undefined = 'equal',
  where = 'map',
): Iterable<Row> {
  const given: unknown = inputs
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new TypeError(
      `${where} takes an object of inputs with columns, { x: each([1, 2]) }, not ${shown(given)}`,
    )
  if (lengths !== 'equal' && lengths !== 'shortest')
    throw new TypeError(`${where}: lengths is 'equal' or 'shortest', not ${shown(lengths)}`)
  const columns: Column[] = []
  const constants: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(inputs)) {
    if (value instanceof Each) columns.push([name, valuesOf(value)])
    else constants[name] = value
  }
  if (columns.length === 0)
    throw new TypeError(`${where}: none of the inputs is a column: mark one with each(...), or use launch`)
  return zipped(lengths === 'equal' ? equalColumns(columns, where) : columns, constants)
}

/** The values of a column. A group that was launched in chunks gives its items. */
function valuesOf({ values }: Each<unknown>): Iterable<unknown> {
  if (values instanceof WaitingGroup) return values.itemReferences()
  return values as Iterable<unknown>
}

/** Yields a row for each place that all columns have. */
function* zipped(columns: readonly Column[], constants: Row): Generator<Row, undefined> {
  const open = columns.map(([name, values]) => ({ name, iterator: values[Symbol.iterator]() }))
  const over = new Set<Iterator<unknown>>()
  try {
    for (;;) {
      const row: Record<string, unknown> = { ...constants }
      for (const { name, iterator } of open) {
        const next = iterator.next()
        if (next.done === true) {
          over.add(iterator)
          return undefined
        }
        row[name] = next.value
      }
      yield row
    }
  } finally {
    // The other columns have more values, which are not read.
    for (const { iterator } of open) if (!over.has(iterator)) iterator.return?.()
  }
}

/** @throws RangeError for columns of different lengths */
function equalColumns(columns: readonly Column[], where: string): readonly Column[] {
  const sized = columns.map(([name, values]) => ({ name, values, length: lengthOf(values) }))
  const known = sized.flatMap(({ length }) => length ?? [])
  // For a column of unknown length, reading one value more than the shortest other column is
  // enough.
  const most = known.length === 0 ? undefined : Math.min(...known) + 1
  const read = sized.map(({ name, values, length }) => {
    if (length !== undefined) return { name, values, length, isCut: false }
    const some = firstOf(values, most)
    return { name, values: some, length: some.length, isCut: some.length === most }
  })
  const [first] = read
  if (read.some(({ length }) => length !== first?.length)) {
    const each = read.map(({ name, length, isCut }) => `${name} has ${isCut ? 'at least ' : ''}${length}`)
    throw new RangeError(
      `${where}: the columns have different lengths: ${each.join(', ')}. Nothing was launched. ` +
        "With { lengths: 'shortest' }, the shortest column decides",
    )
  }
  return read.map(({ name, values }) => [name, values])
}

/** The number of values; undefined if it is known only by reading them. */
function lengthOf(values: Iterable<unknown>): number | undefined {
  if (Array.isArray(values)) return values.length
  if (values instanceof Set || values instanceof Map) return values.size
  return ArrayBuffer.isView(values) && 'length' in values ? Number(values.length) : undefined
}

function firstOf(values: Iterable<unknown>, most: number | undefined): readonly unknown[] {
  const read: unknown[] = []
  for (const value of values) {
    read.push(value)
    if (read.length === most) break
  }
  return read
}
