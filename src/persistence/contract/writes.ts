/* This file is longer than 400 lines, because it declares one interface for each write. */
import type { StoredRetention } from '../../process/host/retention.ts'
import type { Need } from '../../process/references/dependency.ts'
import type { ProcessState } from '../../process/state/process-state.ts'
import type { TransitionEnding, WaitConditions } from '../../process/state/transition.ts'
import type { LogEntry } from '../../process/state/report.ts'
import type { HistoryEntry } from './event-codec.ts'
import type { GroupPosition } from './groups.ts'
import type { DropDue, Purge, Retain, Unretain } from './result-lifetime.ts'

export type Write =
  | Create
  | Advance
  | StepRecord
  | Request
  | Edit
  | AddEvent
  | Resume
  | Signal
  | Release
  | Park
  | Enforce
  | Prune
  | CompleteGroup
  | Retain
  | Unretain
  | Purge
  | DropDue
  | ServeCalls

/** The reports of a process since its last write: its log, events of its own, and its progress. */
export interface StoredReport {
  readonly log: readonly LogEntry[]
  readonly events: readonly HistoryEntry[]
  /** JSON text; undefined if the progress is as before. */
  readonly progress: string | undefined
}

/** The parts of a bundle, each stored by itself as JSON text; see `Bundle.parts`. */
export type Parts = Readonly<Record<string, string>>

/**
 * Creates a process (C2). Also `done` if a process with the same class and raw inputs has the
 * pid or the key; the answer then has the pid of that process.
 */
export interface Create {
  readonly kind: 'create'
  readonly pid: string
  readonly className: string
  readonly version: number
  readonly createdAt: number
  /** Must exist, unless this process is restarted (`origin`) in one commit with its parent. */
  readonly parent: string | null
  /**
   * The fence of the parent's claim, if the parent's engine launches the process. The claim must
   * hold (C4).
   */
  readonly parentFence: number | null
  /**
   * Whether an existing process with this pid counts as the same one only as a child of `parent`;
   * otherwise `conflict`.
   */
  readonly onlyOwn?: boolean | undefined
  readonly key: string | null
  readonly label: string | null
  /** The label of the engines that may run the process; null for any engine. */
  readonly worker?: string | null
  readonly seq: number
  readonly state: ProcessState
  readonly step: string | null
  readonly status: string | null
  /** All parts. `inputs` is compared if the pid or the key is in use. */
  readonly parts: Parts
  /**
   * The engine that runs the process from the start, under fence 1. With null, any engine may claim
   * it.
   */
  readonly claim: string | null
  readonly history: readonly HistoryEntry[]
  /** Set if the process ended before it was saved, for example in a failing hook. */
  readonly ending: Ending | null
  /** The earliest time at which the process may be claimed, in wall-clock milliseconds. */
  readonly readyAt?: number | null
  /**
   * When the process is to be excepted unless it has ended. The row becomes ready at this time,
   * whatever the process waits for.
   */
  readonly deadline?: number | null
  /** Whether the parent's pauses, plays and kills do not reach the process. */
  readonly abandoned?: boolean
  readonly origin?: Origin | null
  /** What a process waits for that is created waiting, as a restarted one may be. */
  readonly wait?: WaitConditions | null
  /**
   * The needs of the process: how other processes must end before it may start. Each of them must
   * exist. Until the needs are met, no engine claims the process, except to end it.
   */
  readonly upstream?: Upstream | null
  /**
   * Processes that get another parent in this commit. The outcome is `fenced` if one of them has
   * ended, is being killed, or is no longer a child of `from`.
   */
  readonly adopts?: readonly Adoption[] | undefined
  readonly report?: StoredReport | undefined
  /**
   * The position in a group that the process takes in this commit. A process that has the position
   * already counts as one with the pid or the key does.
   */
  readonly group?: GroupPosition | undefined
  /** How long the result is kept; undefined: until the process is pruned. */
  readonly retention?: StoredRetention | undefined
  /** The session that retains the result from the start. Also of a process that existed. */
  readonly retainedBy?: string | undefined
  /**
   * Ended processes whose values the process may take: for a restarted process, those that its step
   * had launched. The outcome is `fenced` if the value of one of them was dropped or is gone.
   */
  readonly refers?: readonly string[] | undefined
  /**
   * The pid of the actor whose call this is. The call comes after those that the actor has. The
   * outcome is `missing` with `needed` if there is no such process, `conflict` if it is not an
   * actor of the class of the call, `ended` if it takes no more calls, and `refused` with
   * `MailboxFull` if it has too many.
   */
  readonly actor?: string | undefined
  /** Set for a new actor. */
  readonly mailbox?: Mailbox | undefined
}

/**
 * Whether a call that waits for its inputs holds up the later ones of its actor (`strict`) or lets
 * them pass (`ready`).
 */
export type CallOrder = 'strict' | 'ready'

/** How an actor keeps its calls. */
export interface Mailbox {
  readonly order: CallOrder
  /** The most calls that may be queued and running; null for no limit. */
  readonly limit: number | null
}

/** What a process needs of others before its first step. */
export interface Upstream {
  readonly needs: readonly Need[]
  /** When the process becomes ready anyway, to be excepted; in wall-clock milliseconds. */
  readonly until: number | null
}

/** A process that a restart takes over with its descendants. */
export interface Adoption {
  readonly pid: string
  readonly from: string
  readonly parent: string
}

/** The process that a restarted or resubmitted process was made from. */
export interface Origin {
  readonly pid: string
  readonly kind: 'restart' | 'resubmit'
}

/** The next saved state of a claimed process (C3, C4). */
export interface Advance {
  readonly kind: 'advance'
  readonly pid: string
  readonly fence: number
  /** Must be one more than the sequence number of the row. */
  readonly seq: number
  /** The engine that writes, for the history. The fence alone decides whether it may. */
  readonly owner: string
  /**
   * Whether the write also claims a process that no engine has run. Its `fence` is then 0, that of
   * the new row, and the engine holds fence 1 from here on. `fenced` unless the row is ready and as
   * it was created.
   */
  readonly begins?: boolean
  /**
   * With `begins`, for the call of an actor: the fence of the engine's claim of the actor. The write
   * then applies to the call as long as that claim holds, also if the call had begun before (C4).
   */
  readonly actorFence?: number
  /** The actor of the call, if it has crashed: its crashes are counted anew with a failed attempt of the call (C11). */
  readonly crashedActor?: string | undefined
  /** The version of the saved form, if the process was upgraded when it was loaded. */
  readonly version?: number | undefined
  readonly state: ProcessState
  readonly step: string | null
  readonly status: string | null
  /** Why the process waits, for people. */
  readonly message?: string | null
  /** The parts that changed; the others stay. */
  readonly parts: Parts
  /** The names of the parts to remove, none of which is in `parts`. */
  readonly dropped: readonly string[]
  /** Whether the record of the step ends: all parts `record:…` are removed. */
  readonly dropsRecord?: boolean
  /** Set when the process pauses with this transition. A stored pause has the same effect. */
  readonly paused: { readonly message: string | null } | null
  /** The kept message that the transition consumes. */
  readonly consumes: number | null
  readonly history: readonly HistoryEntry[]
  /** Set with a terminal state. */
  readonly ending: Ending | null
  /** What the process waits for in the state `waiting`. Default: a resume. */
  readonly wait?: WaitConditions | null
  /** The number of the attempt at the step that runs or is to run; 1 unless it is retried. */
  readonly attempt?: number
  /**
   * Set if this commit kills the children that were not abandoned, with their descendants: the
   * milliseconds that a step of theirs has before it is fenced. A stored kill has reached the
   * children before.
   */
  readonly killsChildren?: { readonly grace: number } | undefined
  readonly report?: StoredReport | undefined
}

/**
 * What an engine stores of an actor that it holds: the ends of some of its calls with the state that
 * they lead to, in one transaction (C3), under the fence and with the next sequence number of the
 * actor (C4). `held` as a whole, with the pids in `calls`, if one of these calls has ended or is being
 * killed (C5): the state then never has an effect of a call that ended otherwise.
 */
export interface ServeCalls {
  readonly kind: 'calls'
  /** The pid of the actor. */
  readonly pid: string
  readonly fence: number
  readonly seq: number
  readonly owner: string
  /** The parts that changed: `memory` with the fields of the instance. */
  readonly parts: Parts
  /** How these calls end, in their order. */
  readonly calls: readonly Advance[]
  /**
   * Whether the claim is given back unless another call may run: then `released` is false. A stored
   * pause gives the claim back in any case.
   */
  readonly releases: boolean
  readonly history: readonly HistoryEntry[]
  /** Set if the actor ends: it can't be constructed, or is killed. */
  readonly ending: {
    readonly state: 'excepted' | 'killed'
    /** The `state` part. */
    readonly text: string
    readonly message: string | null
    readonly reason?: TransitionEnding['reason']
  } | null
}

/**
 * Records named actions of a running step (C6), or what the step waits for. State and sequence
 * number stay as they are, so the write goes under the claim's fence and a count of its own.
 */
export interface StepRecord {
  readonly kind: 'record'
  readonly pid: string
  readonly fence: number
  /**
   * Counts these writes from 1 within a claim, so that a write repeated after a lost
   * acknowledgement counts once.
   */
  readonly count: number
  /**
   * Set if the write is made in a transaction of its own: the number of the transition whose step makes
   * it. The outcome is `fenced` if the process has made another one since.
   */
  readonly seq?: number
  /** The parts `record:…` to add. */
  readonly parts: Parts
  /** The kept message that the step consumes (C8). */
  readonly consumes: number | null
  /**
   * An object: the step only waits from now on, and the row becomes `waiting` with this message.
   * Null: the step continues, and the row becomes `running`. Left out: the row stays as it was.
   */
  readonly waits?: { readonly message: string | null; readonly for: WaitConditions } | null
  /**
   * With `waits`: whether to give the claim back. After the wait, the step runs again from its
   * start.
   */
  readonly evicts?: boolean
  /**
   * The deadline of the class, if the launch by name did not know it; in wall-clock
   * milliseconds.
   */
  readonly deadline?: number
  /**
   * A suspect that the engine has run alone until now. This step continues at the same time, which
   * ends that (C11).
   */
  readonly beside?: string
  /** The actor of the call, if it has crashed: its crashes are counted anew once the call gets further (C11). */
  readonly crashedActor?: string | undefined
  /** The status that the step has set; left out if it has set none. */
  readonly status?: string | null
  /** A bundle to keep under this tag. */
  readonly checkpoint?: { readonly tag: string; readonly text: string }
  readonly report?: StoredReport | undefined
  readonly history: readonly HistoryEntry[]
}

/** How a process ended. */
export interface Ending extends TransitionEnding {
  /** Whether to remove `memory` and the rest of the step's record, as after success. */
  readonly dropCheckpoint: boolean
}

/**
 * Pauses, plays, kills, aborts or retries a process (C7).
 *
 * - If no living engine runs the process, the commit carries out the request. Otherwise the
 *   store keeps it, and returns it with the next `Advance`.
 * - A process that waits, between steps or within one, is paused at once, even if an engine
 *   holds it.
 * - A retry lets a process that backs off run now, and acts as a play on any other.
 * - A stop makes an actor accept no more calls, and ends it once none is left.
 * - An abort kills a process that has not started, and does nothing to any other one (`Done.applied`).
 */
export interface Request {
  readonly kind: 'request'
  readonly pid: string
  /** Made by the sender, so that a request repeated after a lost acknowledgement is recognized. */
  readonly id?: string | undefined
  readonly request: 'pause' | 'play' | 'kill' | 'abort' | 'retry' | 'stop'
  /** For a stop: whether the calls that are queued are still run. */
  readonly drain?: boolean
  readonly message: string | null
  /** For a kill: milliseconds until it is enforced, whatever the step does; 0 enforces it now. */
  readonly grace: number
  /** The sender, for the history. */
  readonly by: string
  /** For a kill or an abort: the `state` part of the killed process, kept with a stored kill. */
  readonly killedState: string | null
  /**
   * Whether the same commit reaches all descendants, except abandoned children and their subtrees.
   * Default false.
   */
  readonly tree?: boolean
}

/**
 * Changes saved values of a process that has not ended and that no engine holds. `conflict` if a
 * living engine holds it; `fenced` if it has changed since it was read.
 */
export interface Edit {
  readonly kind: 'edit'
  readonly pid: string
  /** Made by the sender, as that of a `Request`. */
  readonly id: string
  /** The fence and the sequence number of the process from which the edit was made. */
  readonly fence: number
  readonly seq: number
  /** The parts that change; the others stay. */
  readonly parts: Parts
  readonly history: readonly HistoryEntry[]
  /** The sender, for the history. */
  readonly by: string
}

/**
 * Adds events and lines of the log to a process, which may have ended: an event that a caller
 * added, or output of hooks after the end. It changes nothing else.
 */
export interface AddEvent {
  readonly kind: 'event'
  readonly pid: string
  /** Made by the sender, as that of a `Request`. */
  readonly id: string
  readonly report: StoredReport
  /** The sender, for the history. */
  readonly by: string
}

/**
 * Sends a signal. The store keeps it until the process receives it, in the order of the commits of
 * each name (C8).
 */
export interface Signal {
  readonly kind: 'signal'
  readonly pid: string
  /** Made by the sender, as that of a `Resume`. */
  readonly id: string
  readonly name: string
  /** The payload, encoded. */
  readonly value: string
  readonly by: string
}

/** Ends the current `Wait`, or is kept for the next one (C8). */
export interface Resume {
  readonly kind: 'resume'
  readonly pid: string
  /**
   * Made by the sender, so that a resume repeated after a lost acknowledgement is kept once. The
   * row remembers the ids of consumed messages, so that this also holds if the first one has
   * been consumed since.
   */
  readonly id: string
  /** The value, encoded. */
  readonly value: string
  readonly by: string
}

/** Gives a claim back without a transition, as a clean stop does (C12). */
export interface Release {
  readonly kind: 'release'
  readonly pid: string
  readonly fence: number
  /** Releases only if this engine holds the claim. */
  readonly owner?: string | undefined
}

/**
 * Sets aside a claimed process that can't be loaded, with its bytes kept (C9). A play takes it up
 * again.
 */
export interface Park {
  readonly kind: 'park'
  readonly pid: string
  readonly fence: number
  readonly reason: string
}

/** Carries out an overdue kill: one that is stored, and whose deadline has passed. Any client or engine may write it. */
export interface Enforce {
  readonly kind: 'enforce'
  readonly pid: string
  readonly killedState: string
}

/**
 * Deletes an ended process with all that is stored of it, its key and history included. Its
 * children then have no parent. `conflict` for a process that has not ended.
 */
export interface Prune {
  readonly kind: 'prune'
  readonly pid: string
}

/**
 * Says that all members of a launched group are stored. An empty group is stored by this write.
 * `conflict` if the group has another number of members.
 */
export interface CompleteGroup {
  readonly kind: 'complete'
  /** The name of the group once more: the writes of one commit differ in it. */
  readonly pid: string
  readonly name: string
  readonly ordered: boolean
  readonly createdAt: number
  readonly length: number
  /** Whether the step of `parent` has made the name. The group then drops the members beyond `length`. */
  readonly byStep?: boolean | undefined
  /** As in `GroupPosition`. */
  readonly chunkSize?: number | undefined
  /** As in `Create`. */
  readonly parent: string | null
  readonly parentFence: number | null
}
