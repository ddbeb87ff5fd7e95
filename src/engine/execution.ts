import type { Bundle } from '../bundle/bundle.ts'
import type { Outcome } from '../persistence/contract/outcomes.ts'
import type { Create } from '../persistence/contract/writes.ts'
import type { Hosted } from '../process/host/process-object.ts'
import type { StepWait } from '../process/state/transition.ts'
import type { StepLaunches } from './step-launches.ts'

/** What a run begins with that was claimed. */
export interface ClaimedState {
  readonly fence: number
  readonly seq: number
  readonly step: string | null
  readonly saved: Bundle
}

/** A launch that waits for its first commit. */
export interface PendingLaunch {
  readonly create: Create
  readonly told: (outcome: Outcome) => void
  readonly failed: (error: unknown) => void
}

/** A wait within a step, with the pids of what it is for, to be looked up. */
export interface PendingWait extends StepWait {
  readonly pids: ReadonlySet<string>
}

/** One process that this engine runs: its claim, and what of it was saved last. */
export class Execution {
  readonly process: Hosted
  pendingLaunch: PendingLaunch | undefined
  /** Whether its first commit has yet to claim it: it was launched here, and had to wait for a slot. */
  claimPending = false
  /** The claim's fence (C4); undefined until the process is born, that is durable. */
  fence: number | undefined
  /** The sequence number of the last committed write. */
  seq: number
  /** The step that the row names. */
  step: string | null
  saved: Bundle | undefined
  /** Whether it was said that what it saves is large. */
  warned = false
  /** Whether a write of it is under way. */
  isCommitting = false
  /** Whether that write is to end it. */
  isEnding = false
  /** Whether its end was told to those who watch. */
  endNotified = false
  /** Whether the last commit gave the claim back: the process waits, is paused or has ended. */
  released = false
  /** Whether nothing more of it runs here. */
  over = false
  /** Whether it was taken from this engine, or has to be left. */
  lost = false
  /** Whether somebody else has its slot, because its step only waits. */
  lent = false
  /** Counts the plays that were told of: what was said of a pause before one does not hold any more. */
  playCount = 0
  /** What the present step launches. */
  launches: StepLaunches | undefined
  /** Whether the step had been begun before this run began: it may have launched something. */
  rerunsStep = false
  /** Waits that are pending in its step, in the order in which they began. */
  waits: Set<PendingWait> | undefined
  /** The one that began last. */
  lastWait: PendingWait | undefined
  /** The message under which the row says that the step waits; undefined where it says that it runs. */
  shownWait: string | undefined
  /** While the row is being told that the step goes on. */
  goingOn: Promise<void> | undefined
  /** What waits to be written again, once the process is played. */
  heldWrites: Set<() => void> | undefined
  /** Whether the row is to be told at the end of this turn what the step waits for. */
  showScheduled = false
  /** Parts that the present step has added to its record. */
  recorded: Record<string, string> | undefined
  /** Counts the writes of step records under this claim (C4). */
  journalCount = 0
  /** Counts those that the store refused or held: the ones behind them are sent again. */
  refusals = 0
  /** Takes back the timer that enforces a kill. */
  cancelKill: (() => void) | undefined
  /** Takes back the alarm of its deadline. */
  cancelDeadline: (() => void) | undefined

  constructor(process: Hosted, claim?: ClaimedState) {
    this.process = process
    this.fence = claim?.fence
    this.seq = claim?.seq ?? 0
    this.step = claim?.step ?? null
    this.saved = claim?.saved
  }
}
