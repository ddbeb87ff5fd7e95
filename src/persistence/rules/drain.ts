import type { BriefRow, Row } from './row.ts'

/*
 * Which engine stops starting other work, so that a suspect can run there alone (C11). Mostly an engine is idle sooner or later, and takes it then.
 *
 * 1. Where no engine has taken a suspect for a minute, one engine drains for it; the others go on. The row of the suspect says which one.
 * 2. That ends with the engine's life: then another one is chosen at once. Or it ends after another minute: then the suspect has waited anew.
 * 3. The row is as free as before: any engine that is idle takes it, and pauses and kills take effect at once.
 */

/** For how long a suspect waits for an idle engine, and an engine drains for it at most, in milliseconds. */
export const SUSPECT_PATIENCE = 60_000

/** Values of `alone` in a row besides 0: the process was claimed to run alone; its `runner` drains for it. */
export const RUNS_ALONE = 1
export const DRAINED_FOR = 2

/** The engine that drains for a suspect, if one does. */
export function drainingEngine(
  row: Pick<BriefRow, 'alone' | 'runner' | 'ready_at'>,
  now: number,
): string | undefined {
  const isHeld = row.alone === DRAINED_FOR && row.ready_at !== null && row.ready_at + SUSPECT_PATIENCE > now
  return isHeld ? (row.runner ?? undefined) : undefined
}

/** Whether a suspect has waited for so long that an engine is to drain for it. */
export function isOverdue({ ready_at }: Pick<Row, 'ready_at'>, now: number): boolean {
  return ready_at !== null && ready_at + SUSPECT_PATIENCE <= now
}

/** That engine drains for it from now on. */
export function drainFor(row: BriefRow, engine: string, now: number): void {
  row.alone = DRAINED_FOR
  row.runner = engine
  row.ready_at = now
}
