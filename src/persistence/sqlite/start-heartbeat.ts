import { type Clock, monotonic, systemClock } from '../../shared/clock.ts'
import type { EngineRecord } from '../rules/row.ts'
import type { Connection } from './connection.ts'
import { BEAT, beatValues } from './engine-table.ts'
import { type Heartbeat, longestGap } from './heartbeat.ts'
import { startWorker } from './heartbeat-thread.ts'

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
  if (clock !== systemClock) return byClock(connection, engine, clock)
  let standIn: Heartbeat | undefined
  // If the thread dies later, the main thread continues the heartbeats.
  const thread = await startWorker(connection.path, engine, () => {
    standIn = byClock(connection, engine, clock)
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

function byClock(connection: Connection, engine: EngineRecord, clock: Clock): Heartbeat {
  const { lease } = engine
  let since = monotonic(clock)
  let last = since
  let beating: Promise<void> | undefined
  let cancel: () => void
  const beat = (): void => {
    const values = beatValues({ ...engine, expires: Math.round(clock.now() + lease) })
    connection.sql(BEAT).run(...values)
  }
  const beaten = (): void => {
    const now = monotonic(clock)
    if (now - last > longestGap(lease)) since = now
    last = now
  }
  const arm = (): void => {
    const due = (): void => {
      beating ??= connection
        .write('a heartbeat', beat, beaten)
        // The next heartbeat tries again. If none succeeds, the lease ends, as it should.
        .catch(() => {})
        .finally(() => (beating = undefined))
      arm()
    }
    cancel = clock.after(lease / 3, due, 'beat')
  }
  arm()
  return {
    lease,
    awakeSince: (now) => (now - last > longestGap(lease) ? undefined : since),
    stop: async () => {
      cancel()
      await beating
    },
  }
}
