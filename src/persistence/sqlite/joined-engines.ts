import type { Clock } from '../../shared/clock.ts'
import type { EngineIdentity } from '../contract/engines.ts'
import type { Connection } from './connection.ts'
import { EngineLock } from './engine-lock.ts'
import { BEAT, beatValues, type EngineTable } from './engine-table.ts'
import type { Heartbeat } from './heartbeat.ts'
import { startHeartbeat } from './start-heartbeat.ts'

interface JoinedEngine {
  readonly lock: EngineLock
  readonly heartbeat: Heartbeat
}

/** The engines that registered through one store object, each with its lock and its heartbeat. */
export class JoinedEngines {
  readonly #connection: Connection
  readonly #engines: EngineTable
  readonly #clock: Clock
  readonly #joined = new Map<string, JoinedEngine>()

  constructor(connection: Connection, engines: EngineTable, clock: Clock) {
    this.#connection = connection
    this.#engines = engines
    this.#clock = clock
  }

  *heartbeats(): Iterable<Heartbeat> {
    for (const { heartbeat } of this.#joined.values()) yield heartbeat
  }

  /** Registers an engine at the time `now`. */
  async join(engine: EngineIdentity, now: number): Promise<void> {
    const record = { ...engine, startedAt: now, expires: now + Math.ceil(engine.lease) }
    const doing = 'registering an engine'
    // The lock comes first: a program that finds the engine registered must not find its lock free.
    const lock = await this.#connection.readOne(doing, () =>
      EngineLock.take(this.#connection.path, engine.id),
    )
    let heartbeat: Heartbeat | undefined
    try {
      heartbeat = await startHeartbeat(this.#connection, record, this.#clock)
      await this.#connection.write(doing, () => void this.#connection.sql(BEAT).run(...beatValues(record)))
    } catch (error) {
      await heartbeat?.stop()
      lock.release()
      throw error
    }
    this.#engines.own.add(engine.id)
    this.#joined.set(engine.id, { lock, heartbeat })
  }

  /** Ends a registration. `unregister` removes the engine from the file. */
  async leave(engineId: string, unregister: () => Promise<void>): Promise<void> {
    const member = this.#joined.get(engineId)
    // A heartbeat after the row is gone would bring it back.
    await member?.heartbeat.stop()
    await unregister()
    this.#joined.delete(engineId)
    this.#engines.own.delete(engineId)
    member?.lock.release()
  }

  /**
   * Stops all heartbeats. An engine that did not leave counts as crashed from now on: its lock is
   * free.
   */
  async drop(): Promise<void> {
    const members = [...this.#joined.values()]
    this.#joined.clear()
    await Promise.all(members.map(({ heartbeat }) => heartbeat.stop()))
    for (const { lock } of members) lock.drop()
  }
}
