import type { Survey } from '../contract/survey.ts'
import { SurveyCounts, type UnfinishedRow } from '../rules/survey.ts'
import { GAVE_UP } from '../rules/filter-sql.ts'
import type { Connection } from './connection.ts'
import { SUPERSEDED } from './list-query.ts'

/** From the index of classes. */
const ALL = 'SELECT class, count(*) AS n FROM process GROUP BY class'

/**
 * The result of `waitKind` for a process that is not ready, paused or parked, and runs no step;
 * else null.
 */
const WAIT = `CASE WHEN parked IS NOT NULL OR paused = 1 OR (owner IS NULL AND ready_at IS NOT NULL AND ready_at <= ?)
    OR (owner IS NOT NULL AND state <> 'waiting') THEN NULL
  WHEN state <> 'waiting' THEN CASE WHEN awaits = 'inputs' THEN 'inputs' WHEN actor IS NULL THEN 'start' ELSE 'turn' END
  WHEN attempt > 1 AND in_step = 0 THEN 'attempt'
  WHEN calls IS NOT NULL THEN 'calls'
  WHEN receives IS NOT NULL THEN 'signal'
  WHEN awaits IS NOT NULL THEN 'processes'
  WHEN due_at IS NOT NULL THEN 'time' ELSE 'resume' END`

/** Whether a process waits for its own end. */
const ITSELF = `(state = 'waiting' AND (message GLOB 'waits for itself*' OR message GLOB 'waits for * processes, itself*'
    OR awaits IS NOT NULL AND EXISTS (SELECT 1 FROM awaits AS a WHERE a.pid = process.pid AND a.target = process.pid)))`

/** Reads the rows of unfinished processes by the index of states, and no row of an ended one. */
const UNFINISHED = `SELECT class, version, worker, ${WAIT} AS wait, receives AS name, count(*) AS n, sum(parked IS NOT NULL) AS parked,
  sum(parked IS NULL AND paused = 1) AS paused, sum(parked IS NULL AND ${GAVE_UP}) AS gaveup,
  sum(parked IS NULL AND paused = 0 AND owner IS NULL AND ready_at IS NOT NULL AND ready_at <= ?) AS ready,
  sum(parked IS NULL AND paused = 0 AND owner IS NOT NULL AND state <> 'waiting') AS running,
  sum(${ITSELF}) AS itself, max(CASE WHEN ${ITSELF} THEN pid END) AS itself_pid
  FROM process WHERE state IN ('created', 'running', 'waiting') GROUP BY class, version, worker, wait, receives`

/** From the index of failures. */
const FAILED = `SELECT class, sum(state = 'killed') AS killed, sum(state <> 'killed') AS n,
  sum(ended_at >= ? AND state <> 'killed') AS lately
  FROM process INDEXED BY process_failure WHERE successful = 0 GROUP BY class`

/**
 * The recent failures that are superseded. Begins with the processes that were restarted or
 * resubmitted, which have an index of their own, so that a store without any pays nothing. Goes on
 * to those from which they were made, and to all descendants of both.
 */
const BEGUN_AGAIN = `SELECT class, count(*) AS n FROM process WHERE id IN (
    WITH RECURSIVE again AS MATERIALIZED (SELECT id, pid, origin FROM process INDEXED BY process_origin WHERE origin IS NOT NULL),
    line(id, pid) AS (
      SELECT id, pid FROM again
      UNION SELECT p.id, p.pid FROM again CROSS JOIN process AS p ON p.pid = again.origin
      UNION SELECT p.id, p.pid FROM line CROSS JOIN process AS p ON p.parent = line.pid)
    SELECT id FROM line)
  AND successful = 0 AND state <> 'killed' AND ended_at >= ? AND ${SUPERSEDED} GROUP BY class`

const RUNNING = `SELECT owner, sum(state <> 'waiting') AS n
  FROM process INDEXED BY process_owner WHERE owner IS NOT NULL GROUP BY owner`
const OVERDUE = 'SELECT count(*) FROM process WHERE kill_deadline IS NOT NULL AND kill_deadline <= ?'

interface Total {
  readonly class: string
  readonly n: number
}

/** Counts processes; failures since `since` count as recent. */
export function surveyOf(connection: Connection, since: number, now: number): Survey {
  const classes = new SurveyCounts()
  for (const { class: name, n } of connection.sql<Total>(ALL).all()) classes.of(name).succeeded = n
  for (const row of connection.sql<UnfinishedRow>(UNFINISHED).all(now, now)) {
    classes.addUnfinished(row)
    classes.of(row.class).succeeded -= row.n
  }
  const failed = connection
    .sql<Total & { readonly killed: number; readonly lately: number }>(FAILED)
    .all(since)
  for (const { class: name, n, killed, lately } of failed) {
    const counts = classes.of(name)
    counts.killed = killed
    counts.failed = n
    counts.failedLately = lately
    counts.succeeded -= n + killed
  }
  for (const { class: name, n } of connection.sql<Total>(BEGUN_AGAIN).all(since))
    classes.of(name).failedLately -= n
  const running = connection.sql<{ readonly owner: string; readonly n: number }>(RUNNING).all()
  return {
    classes: classes.sorted(),
    running: Object.fromEntries(running.filter(({ n }) => n > 0).map(({ owner, n }) => [owner, n])),
    waits: classes.waits(),
    overdueKills: connection.sql<number>(OVERDUE).pluck().get(now) ?? 0,
  }
}
