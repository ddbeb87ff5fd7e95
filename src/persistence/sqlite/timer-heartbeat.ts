import { type Clock, monotonic } from '../../shared/clock.ts'
import type { EngineRecord } from '../rules/row.ts'
import type { Connection } from './connection.ts'
import { BEAT, beatValues } from './engine-table.ts'
import { type Heartbeat, longestGap } from './heartbeat.ts'

/** The heartbeat of an engine from the main thread, by timers of the clock. */
export function timerHeartbeat(connection: Connection, engine: EngineRecord, clock: Clock): Heartbeat {
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
