import { portOf, type BundleParts } from '../../bundle/bundle.ts'
import type { Codec } from '../../bundle/codec.ts'
import type { Settled } from '../../process/host/process-handle.ts'
import { exceptedError } from '../../process/runner/result.ts'
import { readEnd } from '../../process/state/saved-state.ts'
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
    const value = data.result === undefined ? outputsOf(parts, codec) : data.result
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

/** Returns how many bytes these parts take in UTF-8. */
export function sizeOf(parts: BundleParts): number {
  const encoder = new TextEncoder()
  return Object.values(parts).reduce((sum, text) => sum + encoder.encode(text).length, 0)
}
