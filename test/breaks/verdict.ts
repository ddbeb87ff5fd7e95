/** What running the tests that have to notice a break came to. */
export interface Verdict {
  /** The names of those that passed, each after those of its suites. */
  readonly passed: readonly string[]
  /** The stacks or messages of those that failed, the first line of each. */
  readonly failed: readonly string[]
  /** Files that could not even be loaded, and why. */
  readonly unloaded: readonly string[]
}

/** The number of a run in which nothing is broken. */
export const NOTHING_BROKEN = -1

/** What the program that runs them prints for each, as a line of JSON; `at` counts the breaks from 0, or is `NOTHING_BROKEN`. */
export interface Judged extends Verdict {
  readonly at: number
}
