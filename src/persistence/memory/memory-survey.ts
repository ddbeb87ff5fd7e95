import type { Survey } from '../contract/survey.ts'
import { waitsForItself } from '../../process/step/wait-conditions.ts'
import { gaveUp, isReady } from '../rules/row.ts'
import { SurveyCounts, waitKind } from '../rules/survey.ts'
import { supersededTest } from '../rules/superseded.ts'
import type { MemoryProcess } from './memory-process.ts'

/** Counts processes; `since` is the time since when a failure counts as late. */
export function surveyOf(processes: Iterable<MemoryProcess>, since: number, now: number): Survey {
  const classes = new SurveyCounts()
  const running: Record<string, number> = {}
  let overdueKills = 0
  const all = [...processes]
  const isSuperseded = supersededTest(all.map(({ row }) => row))
  for (const { row, awaits } of all) {
    const counts = classes.of(row.class)
    const { owner, ended_at: endedAt } = row
    const inStep = owner !== null && row.state !== 'waiting'
    if (inStep) running[owner] = (running[owner] ?? 0) + 1
    if (row.state === 'waiting' && (awaits.has(row.pid) || waitsForItself(row.message)))
      classes.addSelfAwaiting(row.class, row.pid, 1)
    if (row.kill_deadline !== null && row.kill_deadline <= now) overdueKills++
    if (endedAt !== null) {
      if (row.successful === 1) counts.succeeded++
      else if (row.state === 'killed') counts.killed++
      else {
        counts.failed++
        if (endedAt >= since && !isSuperseded(row)) counts.failedLately++
      }
    } else if (row.parked !== null) counts.parked++
    else if (row.paused === 1) {
      counts.paused++
      if (gaveUp(row)) counts.gaveUp++
    } else if (isReady(row, now)) classes.addReady(row.class, row, 1)
    else if (inStep) counts.running++
    else {
      const kind = waitKind(row)
      classes.addWaiting(row.class, kind, kind === 'signal' ? row.receives : null, 1)
    }
  }
  return { classes: classes.sorted(), running, waits: classes.waits(), overdueKills }
}
