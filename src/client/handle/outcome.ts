import type { BundleParts } from '../../bundle/bundle.ts'
import type { Codec } from '../../bundle/codec.ts'
import type { Settled } from '../../process/host/process-handle.ts'
import { exceptedError } from '../../process/runner/result.ts'
import { readEnd } from '../../process/state/saved-state.ts'
import { outputsOf } from '../read/outputs.ts'
import { endInfo, type EndedRow } from '../read/state-info.ts'
import { DamsonError, ProcessExcepted, ProcessKilled } from '../../shared/errors.ts'

/**
 * How an ended process ended: its result or its error, decoded from what is stored. `saved` gives the parts of its bundle, and throws where
 * they are damaged.
 */
export function settledOf(row: EndedRow, saved: () => BundleParts, codec: Codec): Settled<unknown> {
  const state = endInfo(row)
  try {
    const parts = saved()
    const data = readEnd(parts, (text) => codec.parse(text, 'state'))
    if (row.state === 'excepted') {
      return { status: 'rejected', state, reason: exceptedError(row.pid, row.className, data.error) }
    }
    if (row.state === 'killed') {
      return { status: 'rejected', state, reason: new ProcessKilled(row.pid, row.message ?? 'killed') }
    }
    const value = data.result === undefined ? outputsOf(parts, codec) : data.result
    return { status: 'fulfilled', value, state }
  } catch (error) {
    // What it ended with can't be read here (damaged, or of a type that is not registered): told, never guessed.
    if (!(error instanceof DamsonError)) throw error
    const reason = new ProcessExcepted(
      row.pid,
      `process ${row.pid} ended as ${row.state}, but what it ended with can't be read`,
      {
        cause: error,
      },
    )
    return { status: 'rejected', state, reason }
  }
}

/** The required outputs that a process had not emitted when it finished, as it is saved. */
export function missingOf(parts: BundleParts, codec: Codec): readonly string[] {
  return readEnd(parts, (text) => codec.parse(text, 'state')).missing ?? []
}

/** Of the parts of a bundle those that say what its process ended with. */
export function endingParts(parts: BundleParts): BundleParts {
  return Object.fromEntries(
    Object.entries(parts).filter(([name]) => name === 'state' || name.startsWith('out:')),
  )
}
