import type { Bundle } from '../bundle/bundle.ts'
import type { Process } from '../process/process.ts'

/** One process that this engine runs: its claim, and what of it was saved last. */
export class Run {
  readonly process: Process
  /** The claim's fence (C4); undefined until the process is born, that is durable. */
  fence: number | undefined
  /** The sequence number of the last committed write. */
  seq: number
  saved: Bundle | undefined
  /** Whether it was said that what it saves is large. */
  warned = false
  /** Whether a write of it is under way. */
  writing = false
  /** Whether its end was told to those who watch. */
  told = false
  /** Whether the last commit gave the claim back: the process waits, is paused or has ended. */
  released = false
  /** Whether nothing more of it runs here. */
  over = false
  /** Whether it was taken from this engine, or has to be left. */
  lost = false
  /** Waits for other processes that are pending in its step; while there are any, its slot is given to others. */
  waits = 0
  /** Children launched by the present step, counted by class. */
  launches: Map<string, number> | undefined
  /** Takes back the timer that enforces a kill. */
  disarm: (() => void) | undefined

  constructor(
    process: Process,
    claim?: { readonly fence: number; readonly seq: number; readonly saved: Bundle },
  ) {
    this.process = process
    this.fence = claim?.fence
    this.seq = claim?.seq ?? 0
    this.saved = claim?.saved
  }
}
