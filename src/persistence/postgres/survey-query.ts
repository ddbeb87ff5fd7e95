import type { Survey } from '../contract/survey.ts'
import { SurveyCounts, type UnfinishedRow } from '../rules/survey.ts'
import { GAVE_UP, UNOWNED } from '../rules/filter-sql.ts'
import type { Database } from './database.ts'
import { SUPERSEDED } from './list-query.ts'

const READY = `(${UNOWNED} AND ready_at <= $1)`
/**
 * The result of `waitKind` for a process that is not ready, paused or parked, and runs no step;
 * else null.
 */
const WAIT = `CASE WHEN parked IS NOT NULL OR paused = 1 OR ${READY} OR (owner IS NOT NULL AND state <> 'waiting') THEN NULL
  WHEN state <> 'waiting' THEN CASE WHEN awaits = 'inputs' THEN 'inputs' WHEN actor IS NULL THEN 'start' ELSE 'turn' END
  WHEN attempt > 1 AND in_step = 0 THEN 'attempt'
  WHEN calls IS NOT NULL THEN 'calls'
  WHEN receives IS NOT NULL THEN 'signal'
  WHEN awaits IS NOT NULL THEN 'processes'
  WHEN due_at IS NOT NULL THEN 'time' ELSE 'resume' END`

/** Whether a process waits for its own end. */
const ITSELF = `state = 'waiting' AND (message LIKE 'waits for itself%' OR message LIKE 'waits for % processes, itself%'
    OR awaits IS NOT NULL AND EXISTS (SELECT 1 FROM @awaits AS a WHERE a.pid = process.pid AND a.target = process.pid))`

const UNFINISHED = `SELECT class, version, worker, ${WAIT} AS wait, receives AS name, count(*) AS n,
  count(*) FILTER (WHERE parked IS NOT NULL) AS parked,
  count(*) FILTER (WHERE parked IS NULL AND paused = 1) AS paused,
  count(*) FILTER (WHERE parked IS NULL AND ${GAVE_UP}) AS gaveup,
  count(*) FILTER (WHERE ${READY}) AS ready,
  count(*) FILTER (WHERE parked IS NULL AND paused = 0 AND owner IS NOT NULL AND state <> 'waiting') AS running,
  count(*) FILTER (WHERE ${ITSELF}) AS itself, max(pid) FILTER (WHERE ${ITSELF}) AS itself_pid
  FROM @process AS process WHERE ended_at IS NULL GROUP BY class, version, worker, wait, receives`

const ENDED = `SELECT class, count(*) FILTER (WHERE successful = 1) AS succeeded,
  count(*) FILTER (WHERE successful = 0 AND state = 'killed') AS killed,
  count(*) FILTER (WHERE successful = 0 AND state <> 'killed') AS failed,
  count(*) FILTER (WHERE successful = 0 AND state <> 'killed' AND ended_at >= $1 AND NOT ${SUPERSEDED}) AS lately
  FROM @process AS process WHERE ended_at IS NOT NULL GROUP BY class`

const RUNNING = `SELECT owner, count(*) AS n FROM @process WHERE owner IS NOT NULL AND state <> 'waiting' GROUP BY owner`
const OVERDUE = 'SELECT count(*) AS n FROM @process WHERE kill_deadline <= $1'

interface Ended {
  readonly class: string
  readonly succeeded: number
  readonly killed: number
  readonly failed: number
  readonly lately: number
}

/** Counts processes; `since` is the time since when a failure counts as late. */
export async function surveyOf(database: Database, since: number, now: number): Promise<Survey> {
  const doing = 'counting processes'
  const classes = new SurveyCounts()
  for (const row of await database.query<UnfinishedRow>(doing, UNFINISHED, [now])) {
    classes.addUnfinished(row)
  }
  for (const row of await database.query<Ended>(doing, ENDED, [since])) {
    const counts = classes.of(row.class)
    counts.succeeded += row.succeeded
    counts.killed += row.killed
    counts.failed += row.failed
    counts.failedLately += row.lately
  }
  const running = await database.query<{ readonly owner: string; readonly n: number }>(doing, RUNNING)
  const [overdue] = await database.query<{ readonly n: number }>(doing, OVERDUE, [now])
  return {
    classes: classes.sorted(),
    running: Object.fromEntries(running.map(({ owner, n }) => [owner, n])),
    waits: classes.waits(),
    overdueKills: overdue?.n ?? 0,
  }
}
