import { readFileSync } from 'node:fs'

/**
 * The source of the heartbeat's worker. A bundler can't follow a path to a file of a worker, so the
 * worker is given its text. The build replaces this module with one that holds the text itself.
 */
export const HEARTBEAT_SOURCE: string = readFileSync(
  new URL('./heartbeat-worker.cjs', import.meta.url),
  'utf8',
)
