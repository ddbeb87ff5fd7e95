import { SUSPECT_PATIENCE } from '../persistence/rules/drain.ts'

/*
 * What the scheduler decides, as functions of data. `Scheduler` keeps the data and acts. Its rules
 * have the numbers that the comments here give.
 */

/** What takes a slot: the execution of a process, or the run of an actor. */
export interface Occupant {
  readonly process: { readonly pid: string }
  /** Whether nothing more of it runs here. */
  readonly over: boolean
  /** Whether others may use its slot, because it only waits. */
  slotLent: boolean
  /** The run of the actor that has the slot, for one of its calls. */
  readonly holder?: { slotLent: boolean } | undefined
}

/** What an engine knows of its slots and of what is ready. */
export interface SchedulingState {
  /** How many steps may be in flight. */
  readonly concurrency: number
  /** The free slots. Below zero for a moment when a step that waited continues. */
  free: number
  /**
   * How many processes were reported ready since the last claim, not counting those in the launch
   * queue.
   */
  announced: number
  /**
   * Whether an unknown number of further processes may be ready: before the first scan, and after a
   * claim that left some behind.
   */
  unknown: boolean
  /**
   * Whether the last scan found something ready, which may include processes that were never
   * reported.
   */
  foundReady: boolean
  /** Launches that are being stored and are not in the launch queue. */
  storing: number
  /** Whether a suspect is ready. */
  suspects: boolean
  /**
   * Whether the store has chosen this engine to drain. While steps still run, nothing new starts.
   */
  drains: boolean
  /** The suspect that runs alone. */
  alone: Occupant | undefined
  /** Whether a claim is under way. */
  claiming: boolean
  /** The time since which other work waits for a suspect. */
  since: number
  /** The time until which other work has its turn. */
  turn: number
  stopped: boolean
}

/** The state of an engine that has just started. */
export function initialState(concurrency: number): SchedulingState {
  return {
    concurrency,
    free: concurrency,
    announced: 0,
    unknown: true,
    foundReady: false,
    storing: 0,
    suspects: false,
    drains: false,
    alone: undefined,
    claiming: false,
    since: 0,
    turn: 0,
    stopped: false,
  }
}

/** Whether the store may have a ready process that is not a suspect. */
function mayFind({ foundReady, unknown, announced }: SchedulingState): boolean {
  return foundReady || unknown || announced > 0
}

/**
 * Whether a suspect comes next: nothing else runs here, and no other work is ready or has its turn
 * (rule 3).
 */
export function takesSuspect(state: SchedulingState, isQueueEmpty: boolean, now: number): boolean {
  if (!state.suspects || state.free < state.concurrency) return false
  return state.drains || state.alone !== undefined || (!mayFind(state) && isQueueEmpty) || now >= state.turn
}

/** Whether a new launch starts at once: no other process waits for its slot (rule 5). */
export function startsAtOnce(state: SchedulingState, isQueueEmpty: boolean, now: number): boolean {
  if (state.stopped || state.drains || state.alone !== undefined) return false
  if (takesSuspect(state, isQueueEmpty, now)) return false
  const isFirst = !state.claiming && state.storing === 0 && isQueueEmpty
  return isFirst && !state.unknown && state.free > state.announced
}

/** Whether a launch of the queue starts now, without a claim (rule 4). */
export function startsQueued(state: SchedulingState, isQueueEmpty: boolean, now: number): boolean {
  const isBusy = state.stopped || state.claiming || state.free <= 0
  if (isBusy || mayFind(state) || state.drains || state.alone !== undefined) return false
  return !takesSuspect(state, isQueueEmpty, now)
}

/** Whether to ask the store for processes now. */
export function mayClaim(state: SchedulingState, isQueueEmpty: boolean, now: number): boolean {
  if (state.stopped || state.claiming || state.free <= 0) return false
  if (state.alone?.slotLent === false) return false
  if (takesSuspect(state, isQueueEmpty, now)) return true
  return mayFind(state) && !(state.drains && state.alone === undefined)
}

/**
 * Whether this engine would drain for a suspect: other work has had its turn, and has not waited
 * for too long.
 */
export function mayDrain(state: SchedulingState, now: number): boolean {
  if (state.alone !== undefined) return false
  if (state.drains) return now < state.since + SUSPECT_PATIENCE
  return state.free < state.concurrency && now >= state.turn
}

/** The time until which other work has its turn after a suspect: as long as it has waited (rule 3). */
export function turnAfterSuspect({ since }: SchedulingState, now: number): number {
  return now + (now - since)
}

/** What a claim of processes that are not suspects returned. */
export interface ClaimReport {
  /** Whether a report of a ready process led to the claim. */
  readonly isKnown: boolean
  /** How many processes the claim asked for. */
  readonly limit: number
  /** For each claimed process, whether it was in the launch queue. */
  readonly queued: readonly boolean[]
}

/**
 * Whether a claim may have left ready processes behind that are not in the launch queue. A claim
 * that follows no report brings news only if it finds a process that is not in the queue (rule 4).
 */
export function leavesSomeBehind(state: SchedulingState, { isKnown, limit, queued }: ClaimReport): boolean {
  const isNews = isKnown || state.alone !== undefined || queued.includes(false)
  return queued.length === limit && isNews
}
