import { isMet, type Need } from '../../process/references/dependency.ts'
import type { Outcome } from '../contract/outcomes.ts'
import type { Create } from '../contract/writes.ts'
import { entry, type Entry } from './decision.ts'
import type { BriefRow } from './row.ts'
import { earliest } from './waits.ts'

/*
 * The processes that a new process needs before its first step: those whose values its inputs refer
 * to, and those that it was launched after.
 *
 * 1. A list outside the row has an entry for each need, from the creation until the process starts
 *    or ends. A process in that list is not pruned.
 * 2. An entry is over once the needed process has ended. All entries are over as soon as one end
 *    decides that the process can't start, so that it fails at once: one that does not meet a need,
 *    or the last one that does not meet a need of any process. An end that meets a need of any one
 *    process marks the other entries of that need as over too.
 * 3. The row is ready once no entry is left. The engine that claims it reads how the processes ended.
 *    It starts the process with their values, or excepts it.
 * 4. A call of an actor that can't start is excepted by the commit that decides so, whatever comes before
 *    it and whether its actor is paused (`ends.ts`). No engine claims a call, so the scan of any engine
 *    excepts one whose timeout has passed.
 *
 * A needed process must already exist, so needs can't form a cycle.
 */

/** An entry of the list. */
export interface NeedEntry extends Need {
  readonly over: boolean
}

/** An entry that an end has made over. */
export interface MetNeed extends Omit<Need, 'pid'> {
  /** The process that has the need. */
  readonly pid: string
}

/** How processes ended: whether with success, or null for one that has not ended. */
export type Ends = ReadonlyMap<string, boolean | null>

/** The part of the tables of a back end about needs. */
export interface NeedTables {
  readonly now: number
  brief(pid: string): BriefRow | undefined
  /** Stores `ready_at`, and nothing else of the row. */
  putReady(row: BriefRow, history: readonly Entry[]): void
  /** Stores `awaits` of the call of an actor, and nothing else of the row. */
  putRunnable(row: BriefRow, history: readonly Entry[]): void
  /** How these processes ended. A process that does not exist is left out. */
  ends(pids: readonly string[]): Ends
  addNeeds(pid: string, needs: readonly NeedEntry[]): void
  /** Whether any need of the process is left, or any need of which one process is enough. */
  hasNeeds(pid: string, which?: 'all' | 'any'): boolean
  /** The processes that this one still needs. */
  leftNeeds(pid: string): readonly string[]
  /** Marks all needs of a process as over, or only those of which one process is enough. */
  settleNeeds(pid: string, which: 'all' | 'any'): void
  /** Marks the needs for the end of this process as over. Returns those that were not over before. */
  takeNeeds(target: string): readonly MetNeed[]
  /** Forgets the needs of a process that starts or has ended. */
  dropNeeds(pid: string): void
}

/** The pids that a new process needs. */
export function neededPids({ upstream }: Create): readonly string[] {
  return upstream == null ? [] : [...new Set(upstream.needs.map(({ pid }) => pid))]
}

/** Refuses a new process that needs itself, or a process that does not exist. */
export function upstreamRefusal(write: Create, ends: Ends): Outcome | undefined {
  const needed = neededPids(write).find((pid) => pid === write.pid || !ends.has(pid))
  return needed === undefined ? undefined : { status: 'missing', needed }
}

/** The entries of a new process. */
export function needEntries(write: Create, ends: Ends): readonly NeedEntry[] {
  const needs = write.upstream?.needs ?? []
  const decides = failedNeed(write, ends) !== undefined
  const suffices = needs.some((need) => need.any && isKnown(need, ends) && isMet(need, ends.get(need.pid)))
  return needs.map((need) => ({ ...need, over: decides || (need.any && suffices) || isKnown(need, ends) }))
}

/** The need because of which a new process can't start; undefined if it still may. */
export function failedNeed({ upstream }: Create, ends: Ends): Need | undefined {
  const needs = upstream?.needs ?? []
  const isFailed = (need: Need): boolean => isKnown(need, ends) && !isMet(need, ends.get(need.pid))
  const ofAny = needs.filter(({ any }) => any)
  return needs.find((need) => !need.any && isFailed(need)) ?? (ofAny.every(isFailed) ? ofAny[0] : undefined)
}

function isKnown({ pid }: Need, ends: Ends): boolean {
  return ends.get(pid) != null
}

/** The consequences of the end of a process for the calls that needed it. */
export interface FreedCalls {
  /** The actors of those that may run. */
  readonly actors: ReadonlySet<string>
  /** Those that can't run any more, in their order. */
  readonly failed: readonly string[]
}

/** Makes the processes ready that needed only this end, or that can no longer start. */
export function upstreamEnded(tables: NeedTables, target: string, successful: boolean): FreedCalls {
  const actors = new Set<string>()
  const failed: string[] = []
  const byProcess = new Map<string, MetNeed[]>()
  for (const need of tables.takeNeeds(target)) {
    const others = byProcess.get(need.pid)
    if (others === undefined) byProcess.set(need.pid, [need])
    else others.push(need)
  }
  for (const [pid, needs] of byProcess) {
    const decides = decidedBy(tables, pid, needs, successful)
    if (decides) tables.settleNeeds(pid, 'all')
    if (tables.hasNeeds(pid)) continue
    const row = tables.brief(pid)
    if (row === undefined || row.awaits !== 'inputs' || row.owner !== null || row.ended_at !== null) continue
    if (row.actor !== null) {
      if (decides) {
        failed.push(pid)
        continue
      }
      // The engine that holds its actor reads how the processes ended.
      row.awaits = null
      tables.putRunnable(row, [entry('joined', null)])
      actors.add(row.actor)
      continue
    }
    const soonest = decides ? tables.now : Math.max(tables.now, row.starts_at ?? 0)
    row.ready_at = earliest(soonest, row.deadline)
    tables.putReady(row, [entry('joined', null)])
  }
  return { actors, failed }
}

/** Whether these needs, which an end has made over, decide that their process can't start. */
function decidedBy(tables: NeedTables, pid: string, needs: readonly MetNeed[], successful: boolean): boolean {
  const ofAny = needs.filter(({ any }) => any)
  const isEnough = ofAny.some((need) => isMet(need, successful))
  if (isEnough) tables.settleNeeds(pid, 'any')
  // If one had been enough before, those needs would already be over.
  const isLast = ofAny.length > 0 && !isEnough && !tables.hasNeeds(pid, 'any')
  return isLast || needs.some((need) => !need.any && !isMet(need, successful))
}
