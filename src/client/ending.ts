import type { BundleParts } from '../bundle/bundle.ts'
import type { Codec } from '../bundle/codec.ts'
import { record } from '../bundle/memory.ts'
import type { ProcessRow } from '../persistence/contract/rows.ts'
import type { Settled, StateInfo } from '../process/host/process-handle.ts'
import { exceptedError } from '../process/runner/result.ts'
import { isTerminal } from '../process/state/machine.ts'
import type { Finished } from '../process/state/state-data.ts'
import { DamsonError, IncompatibleBundle, ProcessExcepted, ProcessKilled } from '../shared/errors.ts'
import { setAt } from '../shared/own.ts'

/** What a row says of how its process ended. */
export type EndedRow = Pick<
  ProcessRow,
  'pid' | 'className' | 'state' | 'status' | 'message' | 'successful' | 'exitCode' | 'updatedAt'
>

/** What a handle tells, from what the row says; `now` is the time by the client's clock. */
export function stateInfo(row: ProcessRow, now: number): StateInfo {
  const { paused } = row
  const reason = reasonOf(row, now)
  return {
    ...endInfo(row),
    paused: paused !== null,
    ...(paused?.message != null && { message: paused.message }),
    ...(reason !== undefined && { reason }),
  }
}

function endInfo(row: EndedRow): StateInfo {
  const message = row.message ?? row.status
  return {
    label: row.state,
    terminal: isTerminal(row.state),
    successful: row.successful ?? false,
    paused: false,
    at: new Date(row.updatedAt),
    ...(message !== null && { message }),
    ...(row.exitCode !== null && { exitCode: row.exitCode }),
  }
}

function reasonOf(row: ProcessRow, now: number): StateInfo['reason'] {
  if (isTerminal(row.state)) return undefined
  if (row.parked !== null) return 'parked'
  if (row.killRequested !== null) return 'killing'
  if (row.paused !== null) return undefined
  if (row.crashes > 0 && row.owner === null) return 'crash'
  if (row.state === 'waiting') return waitReason(row)
  if (row.owner !== null) return undefined
  return row.state === 'created' && row.readyAt !== null && row.readyAt > now ? 'scheduled' : 'queued'
}

function waitReason(row: ProcessRow): StateInfo['reason'] {
  if (backsOff(row)) return 'retry'
  const { wait } = row
  if (wait === null) return 'signal'
  if (wait.on !== null) return 'children'
  // One that gives up at some time waits for the signal all the same.
  return wait.signal === null && wait.until !== null ? 'timer' : 'signal'
}

/** Whether its step failed, and waits to be tried again. */
export function backsOff(row: ProcessRow): boolean {
  return row.state === 'waiting' && row.attempt > 1 && !row.inStep
}

/**
 * How an ended process ended: its result or its error, decoded from what is stored. `saved` gives the parts of its bundle, and throws where
 * they are damaged.
 */
export function settledOf(row: EndedRow, saved: () => BundleParts, codec: Codec): Settled<unknown> {
  const state = endInfo(row)
  try {
    const parts = saved()
    const data = record(codec.parse(parts['state'] ?? '{}', 'state'), 'state')
    if (row.state === 'excepted') {
      return { status: 'rejected', state, reason: exceptedError(row.pid, row.className, data['error']) }
    }
    if (row.state === 'killed') {
      return { status: 'rejected', state, reason: new ProcessKilled(row.pid, row.message ?? 'killed') }
    }
    const value = data['result'] === undefined ? outputsOf(parts, codec) : data['result']
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
  const { missing } = codec.parse(parts['state'] ?? '{}', 'state') as Partial<Finished>
  return missing ?? []
}

/** The committed outputs, nested by their dotted names; in the order of the names, wherever the parts come from. */
export function outputsOf(parts: BundleParts, codec: Codec): Record<string, unknown> {
  const outputs: Record<string, unknown> = {}
  const ports = Object.keys(parts).filter((name) => name.startsWith('out:'))
  for (const part of ports.length > 1 ? ports.toSorted() : ports) {
    const port = part.slice('out:'.length)
    const value = codec.parse(parts[part] as string, `outputs.${port}`)
    try {
      setAt(outputs, port, value)
    } catch (error) {
      throw new IncompatibleBundle(`outputs: damaged, ${(error as Error).message}`, { cause: error })
    }
  }
  return outputs
}

/** Of the parts of a bundle those that say what its process ended with. */
export function endingParts(parts: BundleParts): BundleParts {
  return Object.fromEntries(
    Object.entries(parts).filter(([name]) => name === 'state' || name.startsWith('out:')),
  )
}
