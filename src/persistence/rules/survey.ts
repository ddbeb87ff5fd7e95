import type { ClassSurvey } from '../contract/survey.ts'

/** The counts of a class, while they are added up. */
export type Counts = { -readonly [Name in keyof ClassSurvey]: ClassSurvey[Name] }

/** The counts of classes by their names. */
export class SurveyCounts {
  readonly #classes = new Map<string, Counts>()

  of(className: string): Counts {
    let counts = this.#classes.get(className)
    if (counts === undefined) {
      counts = {
        className,
        ready: 0,
        running: 0,
        waiting: 0,
        paused: 0,
        parked: 0,
        succeeded: 0,
        killed: 0,
        failed: 0,
        failedLately: 0,
        selfAwaiting: 0,
        readyVersions: [],
      }
      this.#classes.set(className, counts)
    }
    return counts
  }

  /** Adds processes that are ready. */
  addReady(className: string, version: number, count: number): void {
    const counts = this.of(className)
    counts.ready += count
    if (count > 0 && !counts.readyVersions.includes(version))
      counts.readyVersions = [...counts.readyVersions, version].toSorted((a, b) => a - b)
  }

  sorted(): ClassSurvey[] {
    return [...this.#classes.values()].toSorted((a, b) => (a.className < b.className ? -1 : 1))
  }
}
