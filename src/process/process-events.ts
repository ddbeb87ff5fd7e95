import type * as events from './host/events.ts'
import type * as listener from './host/listener.ts'
import type { Process } from './process.ts'

/*
 * The events of a process as users see them: each carries a `Process`.
 */

/** What every event of a process carries. */
export type ProcessEvent = events.ProcessEvent<Process>
/** The payload of `process:paused`. */
export type ProcessPausedEvent = events.ProcessPausedEvent<Process>
/** The payload of `process:finished`. */
export type ProcessFinishedEvent = events.ProcessFinishedEvent<Process>
/** The payload of `process:excepted`. */
export type ProcessExceptedEvent = events.ProcessExceptedEvent<Process>
/** The payload of `process:killed`. */
export type ProcessKilledEvent = events.ProcessKilledEvent<Process>
/** The payload of `output:emitted`. */
export type OutputEmittedEvent = events.OutputEmittedEvent<Process>
/** The events of `process.events`. */
export type ProcessEventMap = events.ProcessEventMap<Process>
/**
 * Is notified of what happens to a process. An error in a listener is logged and changes nothing.
 * Listeners are not saved: add them again to a process that was recreated.
 */
export type ProcessListener = listener.ProcessListener<Process>
