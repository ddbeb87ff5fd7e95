/** What running the tests that have to notice a break came to. */
export interface Verdict {
  readonly passed: number
  /** The stacks or messages of those that failed, the first line of each. */
  readonly failed: readonly string[]
  /** Files that could not even be loaded, and why. */
  readonly unloaded: readonly string[]
}

/** What the program that runs them prints for each, as a line of JSON; `at` counts the breaks from 0, and is -1 where nothing is broken. */
export interface Judged extends Verdict {
  readonly at: number
}
