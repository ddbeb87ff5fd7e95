import type { BriefRow, Row } from './row.ts'

/*
 * Chooses the engine that starts no other work, so that a suspect can run there alone (C11).
 * Usually some engine is idle before that and takes the suspect.
 *
 * 1. If no engine has taken a suspect for a minute, one engine drains for it and the others
 *    continue. The row of the suspect names that engine.
 * 2. If that engine dies, another one is chosen at once. Otherwise draining ends after a minute,
 *    and the suspect waits for another minute.
 * 3. The row stays unowned: any idle engine may claim it, and pauses and kills take effect at once.
 */

/**
 * How long a suspect waits for an idle engine, and how long an engine drains for it at most, in
 * milliseconds.
 */
export const SUSPECT_PATIENCE = 60_000

/**
 * Values of `alone` in a row besides 0: the process was claimed to run alone, or its `runner`
 * drains for it.
 */
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

/** Whether a suspect has waited long enough that an engine must drain for it. */
export function mustDrain({ ready_at }: Pick<Row, 'ready_at'>, now: number): boolean {
  return ready_at !== null && ready_at + SUSPECT_PATIENCE <= now
}

/** Makes the engine drain for a suspect from now on. */
export function drainFor(row: BriefRow, engine: string, now: number): void {
  row.alone = DRAINED_FOR
  row.runner = engine
  row.ready_at = now
}
