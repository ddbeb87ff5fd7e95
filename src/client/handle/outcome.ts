import { outputPart, portOf, type BundleParts } from '../../bundle/bundle.ts'
import type { Codec } from '../../bundle/codec.ts'
import type { Settled } from '../../process/host/process-handle.ts'
import { outputValue } from '../../process/references/output-value.ts'
import { exceptedError } from '../../process/runner/result.ts'
import { droppedError } from '../../process/state/dropped.ts'
import { droppedOf, readEnd } from '../../process/state/saved-state.ts'
import { outputsOf } from '../read/saved-outputs.ts'
import { endInfo, type EndedRow } from '../read/state-info.ts'
import { DamsonError, ProcessExcepted, ProcessKilled, UpstreamFailed } from '../../shared/errors.ts'

/**
 * Returns how a process ended: its result or its error, decoded from the store. `saved` returns the parts
 * of its bundle, and throws if they are damaged.
 */
export function settledOf(row: EndedRow, saved: () => BundleParts, codec: Codec): Settled<unknown> {
  const state = endInfo(row)
  try {
    const parts = saved()
    const data = readEnd(parts, (text) => codec.parse(text, 'state'))
    if (row.state === 'excepted') {
      const { error } = data
      if (!(error instanceof UpstreamFailed))
        return { status: 'rejected', state, reason: exceptedError(row.pid, row.className, error) }
      // A process that never started threw nothing itself.
      const reason = data.upstream === true ? error : exceptedError(row.pid, row.className, error)
      return { status: 'rejected', state, reason }
    }
    if (row.state === 'killed') {
      return { status: 'rejected', state, reason: new ProcessKilled(row.pid, row.message ?? 'killed') }
    }
    if (data.dropped !== undefined)
      return { status: 'rejected', state, reason: droppedError(row.pid, row.className, data.dropped) }
    // Actors and their calls have no outputs.
    const hasOutputs = row.actor === null && row.mailbox === null
    const value = data.result === undefined && hasOutputs ? outputsOf(parts, codec) : data.result
    return { status: 'fulfilled', value, state }
  } catch (error) {
    // The outcome is damaged, or has a type that is not registered here. The caller gets an error
    // instead of a guess.
    if (!(error instanceof DamsonError)) throw error
    const reason = new ProcessExcepted(
      row.pid,
      `process ${row.pid} ended as ${row.state}, but its result or error can't be read`,
      {
        cause: error,
      },
    )
    return { status: 'rejected', state, reason }
  }
}

/** Returns the required outputs that a process had not emitted when it finished. */
export function missingOf(parts: BundleParts, codec: Codec): readonly string[] {
  return readEnd(parts, (text) => codec.parse(text, 'state')).missing ?? []
}

/** Returns the parts of a bundle that hold the outcome of its process. */
export function endingParts(parts: BundleParts): BundleParts {
  return Object.fromEntries(
    Object.entries(parts).filter(([name]) => name === 'state' || portOf(name) !== undefined),
  )
}

/** Returns how many bytes these parts take in UTF-8; 0 for what was dropped. */
export function sizeOf(parts: BundleParts): number {
  if (droppedOf(parts) !== undefined) return 0
  const encoder = new TextEncoder()
  return Object.values(parts).reduce((sum, text) => sum + encoder.encode(text).length, 0)
}

/**
 * Returns how many bytes an output takes in UTF-8 or, if there is no such output, the value of the
 * result under the key.
 *
 * @throws MissingResult if there is no value under the key
 */
export function sizeOfOutput(
  parts: BundleParts,
  key: string | number,
  { pid, result, codec }: { readonly pid: string; readonly result: unknown; readonly codec: Codec },
): number {
  const name = outputPart(String(key))
  const emitted = Object.entries(parts).filter(([part]) => part === name || part.startsWith(`${name}.`))
  if (emitted.length > 0) return sizeOf(Object.fromEntries(emitted))
  const value = outputValue(pid, key, outputsOf(parts, codec), result)
  return sizeOf({ [name]: codec.stringify(value, `outputs.${key}`) })
}
