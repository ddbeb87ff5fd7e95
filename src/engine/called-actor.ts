import type { Outcome } from '../persistence/contract/outcomes.ts'
import type { Advance } from '../persistence/contract/writes.ts'
import type { ActorObject } from '../process/actor/actor-class.ts'
import type { Host } from '../process/host/host.ts'
import type { EngineParts } from './engine-parts.ts'
import type { ExecutionControl } from './execution-control.ts'
import type { Executions } from './executions.ts'
import type { InputGathering } from './input-gathering.ts'
import type { Scheduler } from './scheduler.ts'
import type { Occupant } from './scheduling.ts'

/** A call that has begun here and whose end is not durable, as its actor sees it. */
export interface LiveCall {
  readonly pid: string
  /** Whether the call no longer runs here, and has not ended here. */
  readonly isLost: boolean
  /** Stops the call: nothing more of it runs or counts here. */
  stop(reason: Error): void
  /** If the row shows the call as running here, makes the row show it as not running. */
  giveBack(): void
}

/** A call that has ended here, with the state of the actor after it. */
export interface CallEnd {
  readonly call: LiveCall
  readonly write: Advance
  readonly fields: string
  readonly answered: (outcome: Outcome) => void
  readonly failed: (error: unknown) => void
}

/** The actor of a call, as the call sees it. */
export interface CalledActor extends Occupant {
  readonly pid: string
  /** The fence of the claim of the actor. */
  readonly fence: number
  /** How often a failed call is tried again, unless the call has its own number. */
  readonly retries: number
  /** Whether the actor has crashed and stored nothing since (C11). */
  readonly hasCrashed: boolean
  readonly object: ActorObject
  /** The state from which the present call started. */
  readonly fields: string
  /** Whether the ends of the calls before the present one are durable. */
  readonly isFlushed: boolean
  /** Stores the ends of the calls before the present one. @throws LeaseLost */
  flush(): Promise<void>
  /** Makes the instance from the state before the present call. */
  undo(): Promise<void>
  /** A call has ended here. */
  ended(end: CallEnd): void
  /** The actor can't be loaded or run: parks it (C9). */
  fail(error: unknown): Promise<void>
}

/** The collaborators of the runs of actors and of their calls. */
export interface CallParts {
  readonly engine: EngineParts
  readonly executions: Executions
  readonly scheduler: Scheduler
  readonly control: ExecutionControl
  readonly gathering: InputGathering
  /** The host of the calls. */
  readonly host: Host
}
