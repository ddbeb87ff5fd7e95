import type { InputsSource } from './group-options.ts'

/*
 * Chunks: processes that each run several items of a group launch. A chunk of the class `Square` is a
 * process of the class `Square[]`, whose input `items` has the inputs of the items.
 */

const MARK = '[]'

/** The registered name of the class of chunks of a class. */
export function chunkName(itemClass: string): string {
  return itemClass + MARK
}

/** The registered name of the class of the items; undefined for a name that is not a class of chunks. */
export function itemClassName(name: string): string | undefined {
  return name.endsWith(MARK) && name !== MARK ? name.slice(0, -MARK.length) : undefined
}

/** The inputs of a chunk. */
export interface ChunkInputs {
  readonly items: readonly Readonly<Record<string, unknown>>[]
}

/** Returns the inputs of chunks with this many items each; the last one may have fewer. */
export function chunksOf<I extends Readonly<Record<string, unknown>>>(
  inputs: InputsSource<I>,
  size: number,
): InputsSource<ChunkInputs> {
  // The launch that reads it reports a value that is not a source.
  if (typeof inputs !== 'object' || inputs === null) return inputs
  if (Symbol.asyncIterator in inputs) return asynchronousChunks(inputs, size)
  return Symbol.iterator in inputs ? chunks(inputs, size) : inputs
}

function* chunks<I extends Readonly<Record<string, unknown>>>(
  inputs: Iterable<I>,
  size: number,
): Generator<ChunkInputs> {
  let items: I[] = []
  for (const input of inputs) {
    items.push(input)
    if (items.length < size) continue
    yield { items }
    items = []
  }
  if (items.length > 0) yield { items }
}

async function* asynchronousChunks<I extends Readonly<Record<string, unknown>>>(
  inputs: AsyncIterable<I>,
  size: number,
): AsyncGenerator<ChunkInputs> {
  let items: I[] = []
  for await (const input of inputs) {
    items.push(input)
    if (items.length < size) continue
    yield { items }
    items = []
  }
  if (items.length > 0) yield { items }
}

/**
 * The number of items of each process of a group, from the positions of their first items; undefined
 * where each process is one item. `length` is the number of all items.
 */
export function chunkSizes(
  starts: readonly number[],
  chunkSize: number,
  length: number,
): readonly number[] | undefined {
  return chunkSize === 1 ? undefined : starts.map((start) => Math.min(chunkSize, length - start))
}
