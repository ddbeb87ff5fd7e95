import type { Bundle } from '../bundle/bundle.ts'
import type { Outcome } from '../persistence/contract/outcomes.ts'
import type { Advance, Create } from '../persistence/contract/writes.ts'
import type { Hosted } from '../process/host/process-object.ts'
import type { Progress, Report } from '../process/state/report.ts'
import type { StepWait } from '../process/state/transition.ts'
import type { StepLaunches } from './step-launches.ts'

/** The stored data of a process when its execution begins. */
export interface ClaimedState {
  readonly fence: number
  readonly seq: number
  readonly step: string | null
  readonly saved: Bundle
  readonly progress: Progress | null
}

/** A launch whose first commit is not answered yet. */
export interface PendingLaunch {
  readonly create: Create
  readonly answered: (outcome: Outcome) => void
  readonly failed: (error: unknown) => void
}

/** A wait within a step, with the pids of the processes that it waits for. */
export interface PendingWait extends StepWait {
  readonly pids: ReadonlySet<string>
}

/** The call of an actor that runs, as the host of calls sees it. */
export interface Turn {
  /** The pid of the actor. */
  readonly actor: string
  /** The same, if the actor has crashed and stored nothing since (C11). */
  readonly crashedActor: string | undefined
  /** When the next attempt begins, for a call that was stored while it backed off. */
  readonly retryAt: number | null
  /**
   * Stores what must be durable before the first named action of the call: the ends of the calls
   * before it, and its own beginning.
   */
  prepare(): Promise<void> | undefined
  /** The call has succeeded. @throws SerializationError for a state of the actor that can't be saved */
  succeeded(): void
  /** The call has failed or is killed: undoes its changes. */
  undo(): Promise<void>
  /** Pending while the beginning of the call is being stored. */
  readonly settling: Promise<void> | undefined
  /** Resolves once the ends of the earlier calls are stored, so that the call may store something. */
  mayStore(): Promise<void>
  /** Stores a failed attempt that is followed by another one. Callbacks must not throw. */
  failed(write: Advance, answered: (outcome: Outcome) => void, failed: (error: unknown) => void): void
  /** Notes that the call backs off until this time, in wall-clock milliseconds. */
  backsOff(until: number): void
  /** Ends the back-off of the call now. */
  retry(): void
  /** Stores the end of the call with the state after it. */
  ended(write: Advance, answered: (outcome: Outcome) => void, failed: (error: unknown) => void): void
  /** Notes that the call has printed or reported something. */
  reported(): void
  /** The processes that the call waits for. */
  waits(pids: readonly string[]): void
}

/** One process that this engine runs, under one claim. */
export class Execution {
  readonly process: Hosted
  pendingLaunch: PendingLaunch | undefined
  /**
   * Whether the first commit must also claim the process, because it was queued here for a slot.
   */
  claimPending = false
  /** The fence of the claim (C4); undefined until the launch is durable. */
  fence: number | undefined
  /** The sequence number of the last committed write. */
  seq: number
  /** The step that the row names. */
  step: string | null
  /** The process as it was saved last. */
  saved: Bundle | undefined
  /** Whether the warning about a large part was logged. */
  warned = false
  /** Whether a transition is being committed. */
  isCommitting = false
  /** Whether that transition is to end the process. */
  isEnding = false
  /** Whether the end of the process was reported to its watchers. */
  endNotified = false
  /** Whether the last commit gave the claim back: the process waits, is paused or has ended. */
  released = false
  /** Whether nothing more of the process runs here. */
  over = false
  /**
   * Whether this engine may write nothing more for the process: the claim is lost, or the process
   * leaves memory.
   */
  lost = false
  /** The holder of the slot, if it is not the execution itself: the actor whose call this is. */
  holder: { slotLent: boolean } | undefined
  #slotLent = false
  /** Number of plays seen. A pause reported before the latest play is stale. */
  playCount = 0
  /** The launches of the present step. */
  launches: StepLaunches | undefined
  /**
   * Whether the step had started before this execution began, so that it may have launched
   * children.
   */
  rerunsStep = false
  /** The pending waits of the step, in the order in which they began. */
  waits: Set<PendingWait> | undefined
  /** The wait that began last. */
  lastWait: PendingWait | undefined
  /**
   * The message of the wait that the row shows; undefined while the row shows the step as running.
   */
  shownWait: string | undefined
  /** The number of reads in progress that check whether a wait of the step is over. */
  reads = 0
  /** Pending while a write sets the row to `running`. */
  goingOn: Promise<void> | undefined
  /** Retries of writes that the store held because the process is paused. */
  heldWrites: Set<() => void> | undefined
  /** Whether an update of the row is scheduled for the end of this turn. */
  showScheduled = false
  /** Whether a large amount of output must be written at the end of this turn. */
  reportScheduled = false
  /** A status that the step has set and that is not stored yet; undefined if there is none. */
  status: string | null | undefined
  /** The progress that the process has reported last. */
  progress: Progress | null
  /** Parts that the present step has added to its record. */
  recorded: Record<string, string> | undefined
  /** Number of writes of step records under this claim (C4). */
  journalCount = 0
  /**
   * Number of those writes that the store refused or held. Writes that were sent after such a write
   * are fenced and sent again.
   */
  refusals = 0
  /** Set for the call of an actor. */
  turn: Turn | undefined
  /** Cancels the timer that enforces a kill. */
  cancelKill: (() => void) | undefined
  /** Cancels the timer of the deadline. */
  cancelDeadline: (() => void) | undefined

  constructor(process: Hosted, claimed?: ClaimedState) {
    this.process = process
    this.fence = claimed?.fence
    this.seq = claimed?.seq ?? 0
    this.step = claimed?.step ?? null
    this.saved = claimed?.saved
    this.progress = claimed?.progress ?? null
  }

  /** Whether others may use the slot of this execution, because its step only waits. */
  get slotLent(): boolean {
    return this.holder?.slotLent ?? this.#slotLent
  }

  set slotLent(isLent: boolean) {
    if (this.holder === undefined) this.#slotLent = isLent
    else this.holder.slotLent = isLent
  }

  /** Takes what the process has reported since its last write; undefined if there is nothing. */
  takeReport(): Report | undefined {
    const report = this.process.reports?.take()
    if (report?.progress !== undefined) this.progress = report.progress
    return report
  }

  /** Sends the held writes again, whatever their outcome. */
  retryHeldWrites(): void {
    for (const retry of this.heldWrites ?? []) retry()
    this.heldWrites = undefined
  }
}
