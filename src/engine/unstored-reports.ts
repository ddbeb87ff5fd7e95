import { encodeEvent } from '../persistence/contract/event-codec.ts'
import type { StepRecord, StoredReport } from '../persistence/contract/writes.ts'
import type { AddedEvent, Report } from '../process/state/report.ts'
import type { Clock } from '../shared/clock.ts'
import type { JsonValue } from '../shared/json.ts'
import type { Execution } from './execution.ts'

/** The longest time until what a step has reported is stored, in milliseconds. */
const LONGEST_PAUSE = 1_000

/** What is added to a write: the status and the report, as it was taken and as it is stored. */
interface Unstored extends Pick<StepRecord, 'status' | 'report'> {
  readonly taken?: Report | undefined
}

const NOTHING: Unstored = {}

/**
 * The executions whose steps have set a status or reported something that no commit has stored yet.
 * One timer serves all of them, and runs only while there are any.
 */
export class UnstoredReports {
  readonly #clock: Clock
  readonly #write: (execution: Execution) => void
  readonly #executions = new Set<Execution>()
  #cancel: (() => void) | undefined

  /** `write` is called for each execution whose reports no commit has stored within the time. */
  constructor(clock: Clock, write: (execution: Execution) => void) {
    this.#clock = clock
    this.#write = write
  }

  add(execution: Execution): void {
    this.#executions.add(execution)
    this.#cancel ??= this.#clock.after(LONGEST_PAUSE, () => this.#writeAll(), 'look')
  }

  /** Takes what is added to the next write. */
  take(execution: Execution): Unstored {
    const { status } = execution
    const taken = execution.takeReport()
    if (status === undefined && taken === undefined) return NOTHING
    execution.status = undefined
    this.remove(execution)
    return {
      taken,
      ...(status !== undefined && { status }),
      ...(taken !== undefined && { report: storedReport(taken) }),
    }
  }

  /** A write was refused. Its report goes with the next one. */
  putBack(execution: Execution, taken: Report | undefined): void {
    if (taken === undefined) return
    execution.process.reports?.putBack(taken)
    if (!execution.isCommitting) this.add(execution)
  }

  /** Another write has stored it. */
  remove(execution: Execution): void {
    if (this.#executions.delete(execution) && this.#executions.size === 0) this.close()
  }

  close(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#executions.clear()
  }

  #writeAll(): void {
    const executions = [...this.#executions]
    this.close()
    for (const execution of executions) this.#write(execution)
  }
}

/** A report in the form that a write has. */
export function storedReport({ log, events, progress }: Report): StoredReport {
  return {
    log,
    events: events.map(storedEvent),
    progress: progress === undefined ? undefined : JSON.stringify(progress),
  }
}

function storedEvent({ name, at, data }: AddedEvent): StoredReport['events'][number] {
  return encodeEvent('event', {
    name,
    at,
    ...(data !== undefined && { data: JSON.parse(data) as JsonValue }),
  })
}
