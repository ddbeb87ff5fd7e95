import { type Clock, systemClock } from '../../shared/clock.ts'
import type { EngineRecord } from '../rules/row.ts'
import type { Connection } from './connection.ts'
import type { Heartbeat } from './heartbeat.ts'
import { timerHeartbeat } from './timer-heartbeat.ts'
import { workerHeartbeat } from './worker-heartbeat.ts'

/**
 * Starts the heartbeat of an engine in a worker thread. With a clock other than the machine's, the
 * heartbeat follows that clock, so that a test can move it.
 *
 * @throws PersistenceError if the thread can't be started
 */
export async function startHeartbeat(
  connection: Connection,
  engine: EngineRecord,
  clock: Clock,
): Promise<Heartbeat> {
  if (clock !== systemClock) return timerHeartbeat(connection, engine, clock)
  let standIn: Heartbeat | undefined
  // If the thread dies later, the main thread continues the heartbeats.
  const thread = await workerHeartbeat(connection.path, engine, () => {
    standIn = timerHeartbeat(connection, engine, clock)
  })
  return {
    lease: engine.lease,
    awakeSince: (now) => (standIn ?? thread).awakeSince(now),
    stop: async () => {
      await thread.stop()
      await standIn?.stop()
    },
  }
}
