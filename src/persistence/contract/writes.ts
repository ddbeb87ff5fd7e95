import type { ProcessState } from '../../process/state/process-state.ts'
import type { HistoryEntry } from './history-event.ts'

export type Write =
  Create | Advance | StepRecord | Request | Resume | Signal | Release | Park | Enforce | Prune

/** A new process (C2). `done` also if it is there already with the same class and raw inputs: the answer has its pid. */
export interface Create {
  readonly kind: 'create'
  readonly pid: string
  readonly className: string
  readonly version: number
  readonly createdAt: number
  /** It has to be there already, unless this one is begun again (`origin`) together with it, in one commit. */
  readonly parent: string | null
  /** Where an engine's process launches it: the parent's claim, which has to hold (C4). */
  readonly parentFence: number | null
  /** Whether a process that has this pid is this one only as a child of `parent`; else `conflict`. */
  readonly onlyOwn?: boolean | undefined
  readonly key: string | null
  readonly label: string | null
  readonly seq: number
  readonly state: ProcessState
  readonly step: string | null
  readonly status: string | null
  /** All parts. `inputs` is compared where pid or key is in use already. */
  readonly parts: Parts
  /** The engine that runs it from the start, under fence 1. Else it is ready to be claimed. */
  readonly claim: string | null
  readonly history: readonly HistoryEntry[]
  /** Set for a process that ended before it was ever saved (a failing hook): as in `Advance`. */
  readonly ending: Ending | null
  /** Not before this time, in wall-clock milliseconds. */
  readonly readyAt?: number | null
  /** When it is to be excepted, if it has not ended: the row is ready then at the latest, whatever it waits for. */
  readonly deadline?: number | null
  /** Its parent's pauses, plays and kills do not reach it; where its parent is paused already it is born paused all the same. */
  readonly abandoned?: boolean
  /** The process that it was made from, and how. */
  readonly origin?: Origin | null
  /** For one that is created waiting, as a restart may be: what it waits for. */
  readonly wait?: WaitFor | null
  /**
   * Processes that get another parent in this commit. `fenced` if one of them has ended, is being killed, or is not a child of `from` any more.
   */
  readonly adopts?: readonly Adoption[] | undefined
}

/** A process that a restart takes over, with all that is below it. */
export interface Adoption {
  readonly pid: string
  readonly from: string
  readonly parent: string
}

/** Where a process comes from that was made from another one. */
export interface Origin {
  readonly pid: string
  readonly kind: 'restart' | 'resubmit'
}

/** The next saved state of a claimed process (C3, C4). */
export interface Advance {
  readonly kind: 'advance'
  readonly pid: string
  readonly fence: number
  /** Must be one more than the row's. */
  readonly seq: number
  /** The engine that makes it: for the history. Whether it may is said by the fence. */
  readonly owner: string
  /**
   * Whether it is the claim as well, of a process that nobody has run so far: its `fence` is that of the row as it was created, 0, and the one
   * after it is held from here on. `fenced` unless it is ready, and as it was created.
   */
  readonly begins?: boolean
  /** The version of the saved form, where it is another one from here on: the process was lifted when it was loaded. */
  readonly version?: number | undefined
  readonly state: ProcessState
  readonly step: string | null
  readonly status: string | null
  /** Why it waits, for people. */
  readonly message?: string | null
  /** The parts that changed; the others stay. */
  readonly parts: Parts
  /** Names of parts that are no more. */
  readonly dropped: readonly string[]
  /** Set when the process pauses with this transition. A stored pause has the same effect. */
  readonly paused: { readonly message: string | null } | null
  /** The kept wake-up that is used up. */
  readonly consumes: number | null
  readonly history: readonly HistoryEntry[]
  /** Set with a terminal state. */
  readonly ending: Ending | null
  /** With the state `waiting`: what it waits for. Default: a resume. */
  readonly wait?: WaitFor | null
  /** How often the step that runs, or is to run, has been begun; 1 unless it is retried. */
  readonly attempt?: number
  /** Whether all that it launched (and did not abandon) is killed in this commit. A stored kill has reached that by itself. */
  readonly killsChildren?: boolean
}

/**
 * What a running step has done by name (C6), or what it waits for from now on. It leaves state and sequence alone, so it goes under
 * the claim's fence and a count of its own.
 */
export interface StepRecord {
  readonly kind: 'record'
  readonly pid: string
  readonly fence: number
  /** Counts these writes from 1 within a claim: the same one twice, after a lost acknowledgement, counts once. */
  readonly count: number
  /** Parts `record:…` to add. */
  readonly parts: Parts
  /** The kept message that is used up by it (C8). */
  readonly consumes: number | null
  /**
   * Given: the step only waits from now on, and the row says `waiting` with this message. Null: it goes on, the row says `running`.
   * Left out: as it was.
   */
  readonly waits?: { readonly message: string | null; readonly for: WaitFor } | null
  /** With `waits`: gives the claim back. When what it waits for has come, the step runs again from its start. */
  readonly evicts?: boolean
  /** When the process is to be excepted: as its class says, where whoever made it did not know that. In wall-clock milliseconds. */
  readonly deadline?: number
  /** A suspect that its engine runs alone until now: this step goes on beside it, so it does not run alone any more (C11). */
  readonly beside?: string
  /** A bundle to keep under this tag. */
  readonly checkpoint?: { readonly tag: string; readonly text: string }
  readonly history: readonly HistoryEntry[]
}

/** How a process ended, as the row tells it. */
export interface Ending {
  readonly successful: boolean
  readonly exitCode: { readonly code: number; readonly label: string; readonly message: string } | null
  readonly message: string | null
  /** The checkpoint goes: `memory` and what is left of a step's record are removed (finished and successful). */
  readonly dropCheckpoint: boolean
}

/**
 * A pause, play, kill or retry (C7). What no living engine runs is paused, played or killed in this very commit; else the
 * request is stored, and comes with the answer of the next `Advance`. What waits, between its steps or within one (`StepRecord.waits`), is paused
 * at once, also where an engine holds it: it does not move until it is played. A retry lets one that backs off run now, and is else a play.
 */
export interface Request {
  readonly kind: 'request'
  readonly pid: string
  /** Made by the sender, so that the same request twice, after a lost acknowledgement, is known for the same. */
  readonly id?: string | undefined
  readonly request: 'pause' | 'play' | 'kill' | 'retry'
  readonly message: string | null
  /** For a kill: milliseconds until it is enforced. 0 is now, whatever the step does. */
  readonly grace: number
  /** Who asks, for the history. */
  readonly by: string
  /** For a kill: the `state` part of the killed process; kept with a stored kill, for whoever enforces it. */
  readonly killedState: string | null
  /** Whether it reaches all that the process launched, and so on, in the same commit; not what was abandoned. Default false. */
  readonly tree?: boolean
}

/** A signal: kept until the process receives it, in the order of the commits of each name (C8). */
export interface Signal {
  readonly kind: 'signal'
  readonly pid: string
  /** Made by the sender, as that of a `Resume`. */
  readonly id: string
  readonly name: string
  /** Encoded. */
  readonly value: string
  readonly by: string
}

/** A wake-up for the current `Wait`, or kept for the next (C8). */
export interface Resume {
  readonly kind: 'resume'
  readonly pid: string
  /**
   * Made by the sender: the same resume twice, after a lost acknowledgement, is kept once, also when it was used up
   * in between (so the store remembers the id of the wake-up that a process consumed last).
   */
  readonly id: string
  /** Encoded. */
  readonly value: string
  readonly by: string
}

/** Gives a claim back without a transition: a clean stop (C12). */
export interface Release {
  readonly kind: 'release'
  readonly pid: string
  readonly fence: number
  /** Only where this engine holds it. */
  readonly owner?: string | undefined
}

/** Sets a claimed process aside, its bytes kept, because it can't be loaded (C9). Play takes it out again. */
export interface Park {
  readonly kind: 'park'
  readonly pid: string
  readonly fence: number
  readonly reason: string
}

/** Does a stored kill whose deadline has passed, whoever sees it. */
export interface Enforce {
  readonly kind: 'enforce'
  readonly pid: string
  readonly killedState: string
}

/**
 * Deletes an ended process and all that is stored of it, its key and history included. Its children are nobody's from then on. One that
 * has not ended is not touched: `conflict`.
 */
export interface Prune {
  readonly kind: 'prune'
  readonly pid: string
}

/** The parts of a bundle that are stored each by itself, as JSON text; see `Bundle.parts`. */
export type Parts = Readonly<Record<string, string>>

/** What ends a wait: the first of these that comes. */
export interface WaitFor {
  /** Whether a resume does. */
  readonly resume: boolean
  /** The name of a signal. */
  readonly signal: string | null
  /** A time, in wall-clock milliseconds. */
  readonly until: number | null
  /** The end of these processes; one that is not there counts as ended. */
  readonly on: readonly string[]
  /** Whether the first of them is enough. */
  readonly any: boolean
}
