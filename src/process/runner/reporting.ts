import type { HostedReports } from '../host/process-object.ts'
import type { Logger } from '../../shared/logger.ts'
import type { Progress, Report } from '../state/report.ts'
import { attemptOf } from '../state/state-data.ts'
import { checkedProgress, eventText, printed, Reports, type PrintOptions } from '../step/reports.ts'
import { isOver, type RunState } from '../step/run-state.ts'
import { storedLogger } from '../step/stored-logger.ts'
import type { UserCode } from './user-code.ts'

/**
 * The reports of a process: its log, events and progress. The host takes them with the next commit.
 * Reports of a process that is over, or of an abandoned attempt, are dropped (C4).
 */
export class Reporting implements HostedReports {
  readonly #run: RunState
  readonly #code: UserCode
  readonly #reports = new Reports()
  #logger: Logger | undefined

  constructor(run: RunState, code: UserCode) {
    this.#run = run
    this.#code = code
  }

  /** The logger of the process, which also stores what it writes. */
  get logger(): Logger {
    return (this.#logger ??= storedLogger(this.#run.logger, (level, text) =>
      this.#print({ stream: 'stderr', text: text.toWellFormed(), level }),
    ))
  }

  print(text: string, options: PrintOptions): void {
    this.#print(printed(text, options))
  }

  #print(entry: Pick<Report['log'][number], 'stream' | 'text' | 'level'>): void {
    const run = this.#run
    this.#add(() =>
      this.#reports.print({ ...entry, at: run.host.clock.now(), attempt: attemptOf(run.state) }),
    )
  }

  progress(progress: Progress): void {
    const checked = checkedProgress(progress)
    this.#add(() => this.#reports.progress(checked))
  }

  event(name: string, data: unknown): void {
    const { host } = this.#run
    const text = eventText(name, data, host.codec)
    this.#add(() => this.#reports.event({ name, data: text, at: host.clock.now() }))
  }

  get pending(): number {
    return this.#reports.pending
  }

  get isEmpty(): boolean {
    return this.#reports.isEmpty
  }

  take(): Report | undefined {
    return this.#reports.take()
  }

  putBack(report: Report): void {
    this.#reports.putBack(report)
  }

  #add(add: () => void): void {
    const run = this.#run
    // Hooks run after the commit of the end too, and what they report belongs to the process.
    const isLate = isOver(run) && (run.detached !== undefined || !this.#code.runsHookAfterCommit)
    if (isLate || this.#code.isStaleAttempt) return
    add()
    run.host.reported?.(run.hosted)
  }
}
