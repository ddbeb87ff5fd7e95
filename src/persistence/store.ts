import type { Bundle } from '../bundle/bundle.ts'
import type { ProcessState } from '../process/state/process-state.ts'
import type { Persister } from './persister.ts'

/*
 * What an engine and its clients need of a place where processes live.
 *
 * Everything is asynchronous and batched: no caller may assume that a commit is synchronous or local.
 * Invariants that every back end keeps (test/persistence/store-suite.ts runs them on each):
 *
 * 1. `commit` answers per write; one that is refused touches no other, and what was answered `done` is durable.
 * 2. A write of a running process applies only under the fence of its claim and with the next sequence number (C4).
 *    The same write twice is `done` twice.
 * 3. No write leaves a terminal state (C5). Once a kill is stored, the process can end as `killed` alone.
 * 4. What a wait is for makes the process ready whether it came before, during or after it went to wait (C8): a resume, a signal,
 *    its time, the end of other processes.
 * 5. What waits and is paused does not move until it is played: no record, no transition, no end but that by a kill (C7).
 * 6. `claim` gives a process to one engine at a time, and only those that the engine says it can load (C9).
 */

/** The parts of a bundle that are stored each by itself, as JSON text; see `Bundle.parts`. */
export type Parts = Readonly<Record<string, string>>

export interface Control {
  /** The store's own id, made once with it. */
  readonly id: string
  /** Applies writes in order, in one transaction if it can. Rejects only if none of them was looked at. */
  commit(writes: readonly Write[]): Promise<readonly Outcome[]>
  /** What the row of a process says; undefined where there is none. */
  read(pid: string): Promise<ProcessRow | undefined>
  /** The process whole: its row and its bundle's parts; undefined where there is none. */
  load(pid: string): Promise<StoredProcess | undefined>
  list(filter?: ListFilter): Promise<ProcessPage>
  /** How many processes there are of each state, among those that the filter lets through. */
  count(filter?: ListFilter): Promise<Readonly<Record<ProcessState, number>>>
  /** The oldest kept signal of that name; undefined where there is none. */
  mail(pid: string, signal: string): Promise<Mail | undefined>
  /** What a process waits for and has not come, and what is kept for it and not used. */
  pending(pid: string): Promise<Pending>
  /** The history of a process, oldest first. */
  history(pid: string): Promise<readonly HistoryRow[]>
  /** The classes that engines have registered, so that a client can launch by name. */
  classes(): Promise<readonly ClassRow[]>
  /** The engines that are known, alive or not. */
  engines(): Promise<readonly EngineRow[]>
  /**
   * Calls back with every committed change, whoever made it, in the order of their commits: at once for those
   * made through this object, soon after for another program's. Returns how to stop. Idle, it costs next to nothing.
   */
  watch(listener: (changes: readonly Change[]) => void): () => void
  /** Gives back files and connections. A second call does nothing; every other call then rejects with `ClosedError`. */
  close(): Promise<void>
}

export interface Store extends Control, Persister {
  /** Registers an engine and keeps its lease alive, off the main thread if it can, until `leave`. */
  join(engine: EngineIdentity): Promise<void>
  /** Ends the registration. Processes that the engine still holds are given back; it counts as no crash (C12). */
  leave(engineId: string): Promise<void>
  /** Registers what can be launched by name. */
  describe(classes: readonly ClassRow[]): Promise<void>
  /** The classes and versions of which something wants to run, now or at a time to come. */
  wanted(): Promise<readonly LoadableClass[]>
  /**
   * Hands out up to `limit` ready processes, each under a new fence: the longest ready first, whatever their classes, and of those that became
   * ready at the same time in the order in which they were created.
   */
  claim(request: ClaimRequest): Promise<readonly ClaimedProcess[]>
  /**
   * Whether this engine is to start nothing more until it runs nothing, so that a suspect of these classes can run there alone (C11). At most one
   * engine is told so at a time, and only where no engine has taken a suspect for a minute. Asked again while it drains, it says whether
   * that still holds: it does for a minute at most.
   */
  drain(request: Pick<ClaimRequest, 'engine' | 'classes'>): Promise<boolean>
  /**
   * Takes back what engines held whose program has ended or whose lease ran out (C11), counts the crash for each,
   * does the kills whose deadline has passed, and tells when to look again at the latest.
   * Also unregisters those engines. Cheap when there is nothing to do.
   *
   * With `classes`, it tells of suspects among these alone: those that the caller could run.
   */
  recover(classes?: readonly LoadableClass[]): Promise<Recovered>
}

/** Who claims processes. */
export interface EngineIdentity {
  readonly id: string
  readonly host: string
  readonly osPid: number
  /** Milliseconds for which the engine counts as alive after each beat. */
  readonly lease: number
  /** What it can load: a class up to a version. */
  readonly classes: readonly LoadableClass[]
}

/** A class up to a version. */
export interface LoadableClass {
  readonly name: string
  readonly version: number
}

export interface EngineRow extends EngineIdentity {
  readonly startedAt: number
  /** When the lease ends, unless it is renewed. */
  readonly expires: number
  readonly alive: boolean
  /** The suspect (C11) that runs there alone, or for which the engine drains: beside it nothing else is started there. */
  readonly suspect: EngineSuspect | null
}

export interface EngineSuspect {
  readonly pid: string
  readonly className: string
  /** Whether it runs; else the engine waits for its other steps to end. */
  readonly runs: boolean
}

export interface ClassRow {
  readonly name: string
  readonly version: number
  /** JSON Schema of the inputs, as text. */
  readonly inputs: string
  /** JSON text: the JSON Schema of each signal's payload by the signal's name. */
  readonly signals: string
}

export interface ClaimRequest {
  readonly engine: string
  /** What the engine can load: a class up to a version (C9). */
  readonly classes: readonly LoadableClass[]
  readonly limit: number
  /**
   * `false`: only processes with fewer than two crashes since their last commit.
   * `true`: only such as have two or more; they have to run alone (C11), which is noted with the claim.
   */
  readonly suspects: boolean
  /** A process that ran alone until now: if anything is claimed, it does not any more (C11). */
  readonly beside?: string | undefined
}

export interface ClaimedProcess extends Omit<StoredProcess, 'before'> {
  readonly fence: number
  /**
   * What ends its wait, where it waits. If several have come: a resume, then the processes it waits for, then a signal,
   * then its time. Null where it was claimed for another reason: its deadline has passed.
   */
  readonly wake: WakeUp | null
  /** Whether it was played since an engine last ran it. */
  readonly played: boolean
}

export interface Recovered {
  /** Processes that were taken back from dead engines. */
  readonly processes: number
  /** Whether anything is ready that is no suspect, of the classes that were named, if any were. */
  readonly ready: boolean
  /** Whether suspects (see `ClaimRequest`) are ready, of the classes that were named, if any were. */
  readonly suspects: boolean
  /** The next deadline of a kill, in wall-clock milliseconds. */
  readonly nextDeadline: number | null
  /** When the next process that now sleeps becomes ready by its time, of the classes that were named, if any were. */
  readonly nextDue: number | null
}

/** What ended a wait. */
export interface WakeUp {
  readonly by: 'resume' | 'signal' | 'timer' | 'handles'
  /** The kept message that is to be consumed; null for a timer and for handles. */
  readonly id: number | null
  /** Encoded; null for a timer and for handles. */
  readonly value: string | null
}

/** A kept signal. */
export interface Mail {
  readonly id: number
  /** Encoded. */
  readonly value: string
}

export interface Pending {
  /** The processes that it waits for and that have not ended, 100 of them at most. */
  readonly on: readonly string[]
  /** What is kept, the oldest first, 100 at most; the name is that of a signal. */
  readonly mail: readonly { readonly by: 'resume' | 'signal'; readonly name: string | null }[]
}

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

// ---------- writes ----------

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

export type Outcome =
  | Done
  /** No such process. */
  | { readonly status: 'missing' }
  /** The claim is not held any more, or the sequence is not the next (C4); for a `Create`, what it takes over has changed. */
  | { readonly status: 'fenced' }
  | Held
  /** The process has ended (C5); for a `Create`, its parent has ended or is being killed. */
  | { readonly status: 'ended'; readonly state: ProcessState }
  /** The pid or the key belongs to a process of another class or with other inputs. */
  | { readonly status: 'conflict'; readonly pid: string; readonly reason: string }
  /**
   * This write was refused by the store (too large, say); the others were not. `damaged`: the store can't keep the process any
   * more, which is to be parked (C9).
   */
  | { readonly status: 'refused'; readonly error: Error; readonly damaged?: true | undefined }

/**
 * An `Advance` or a `StepRecord` was not applied, since the process that makes it may not move. With `pause`: it waits and is paused; the same
 * write applies once it is played. With `kill`: a kill is stored, and the process can end as `killed` alone (C5).
 */
export interface Held {
  readonly status: 'held'
  readonly pause?: { readonly message: string | null }
  readonly kill?: { readonly message: string | null; readonly deadline: number }
}

export interface Done {
  readonly status: 'done'
  /** The process written; with `Create` the one that was there already, if so. */
  readonly pid: string
  /** With `Create`: whether it was there already. */
  readonly existed?: boolean
  /**
   * With `Advance`, `StepRecord` and `Create`: requests that were stored meanwhile. A pause has been carried out by this very write;
   * a child of a paused process is born paused.
   */
  readonly pause?: { readonly message: string | null }
  readonly kill?: { readonly message: string | null; readonly deadline: number }
  /**
   * With `Advance`, `StepRecord` and a `Create` with a claim: whether the claim was given back, as it is when the process waits (a step that only
   * waits keeps it, unless it evicts), is paused or has ended. With a kill stored it is kept by a step that evicts, so that the engine can end
   * the process with its hooks.
   */
  readonly released?: boolean
  /** With an `Advance` that ends the process: when it ended, by the store's clock. */
  readonly endedAt?: number
  /** With `Request` and `Enforce`: whether it took effect at once, rather than being stored for its engine. */
  readonly applied?: boolean
}

// ---------- rows ----------

export interface HistoryEntry {
  /**
   * `created running waiting finished excepted killed paused played`, `pause requested`, `kill requested`, `resumed`,
   * `crashed`, `recovered`, `released`, `parked`, `retried`, `signalled`, `joined` (what it waits for has ended), `adopted` (a restart took it over); of a step: `failed` (it will be
   * tried again), `effect`, `sleeping`, `received`, `checkpoint`.
   */
  readonly name: string
  /** JSON text. */
  readonly data: string | null
}

export interface HistoryRow extends HistoryEntry {
  readonly id: number
  readonly pid: string
  readonly seq: number
  readonly at: number
  /** The engine or client that wrote it. */
  readonly by: string | null
}

/** A history entry that has just been committed. */
export interface Change {
  readonly pid: string
  readonly name: string
  readonly data: string | null
  readonly at: number
  /** The process's state after it, or after a later change where another program made it. */
  readonly state: ProcessState
  readonly paused: boolean
  /** Whether the process is ready to be claimed after it, or after a later change. */
  readonly ready: boolean
  /** When it becomes ready by its time, if it does. */
  readonly dueAt: number | null
}

export interface ProcessRow {
  readonly pid: string
  readonly className: string
  readonly version: number
  readonly state: ProcessState
  readonly step: string | null
  readonly status: string | null
  readonly paused: { readonly message: string | null } | null
  /** Why it was set aside, if it was. */
  readonly parked: string | null
  readonly parent: string | null
  readonly key: string | null
  readonly label: string | null
  readonly seq: number
  /** Crashes since its last commit. */
  readonly crashes: number
  readonly createdAt: number
  /** When it came into its state. */
  readonly updatedAt: number
  readonly endedAt: number | null
  readonly successful: boolean | null
  readonly exitCode: Ending['exitCode']
  readonly message: string | null
  /** What a waiting process waits for; `on` tells only how. */
  readonly wait: (Omit<WaitFor, 'on' | 'any'> & { readonly on: 'all' | 'any' | null }) | null
  /** Whether it waits within a step, which goes on after it, or runs again. */
  readonly inStep: boolean
  /** How often the step has been begun; 1 unless it is retried. While it waits and this is above 1, it backs off. */
  readonly attempt: number
  readonly deadline: number | null
  readonly abandoned: boolean
  readonly origin: Origin | null
  /** The engine that runs it now. */
  readonly owner: string | null
  readonly pauseRequested: { readonly message: string | null } | null
  readonly killRequested: { readonly message: string | null; readonly deadline: number } | null
  /** When it is or becomes ready to be claimed; null while it runs, has ended, or waits for something that has no time. */
  readonly readyAt: number | null
}

export interface StoredProcess {
  readonly row: ProcessRow
  /** @throws IncompatibleBundle where what is stored is damaged */
  bundle(): Bundle
  /** The last `state` part before it ended, where it ended unsuccessfully: what a restart goes on from. */
  before(): string | undefined
}

export interface ListFilter {
  readonly state?: ProcessState | readonly ProcessState[] | undefined
  /** The registered name of the class, whole. */
  readonly className?: string | undefined
  /** The label, whole. */
  readonly label?: string | undefined
  /** The pid of the process that launched it. */
  readonly parent?: string | undefined
  readonly paused?: boolean | undefined
  /** Created at or after, before; wall-clock milliseconds. */
  readonly since?: number | undefined
  readonly until?: number | undefined
  /** In pid, key, label, status or message; case-insensitive. */
  readonly text?: string | undefined
  /** Newest first. Default 50, at most 1000. */
  readonly limit?: number | undefined
  /** `ProcessPage.next` of the page before. */
  readonly after?: string | undefined
}

export interface ProcessPage {
  readonly rows: readonly ProcessRow[]
  /** Undefined on the last page. */
  readonly next: string | undefined
}
