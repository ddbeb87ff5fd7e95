import type { Heartbeat } from './heartbeat.ts'

interface Sighting {
  /** The lease in the engine's row; null if it has no row. */
  readonly expires: number | null
  /** When this was seen first, by the monotonic clock. */
  readonly since: number
}

/**
 * Distinguishes engines whose lease has ended from engines that merely could not write (C11).
 *
 * A held lock of the file, a suspended machine and a clock that is set stop the heartbeats of all
 * engines alike. So a lease is never compared with the clock. It has ended when its row has not
 * changed for the length of the lease while an engine of this store was awake and able to write all
 * the time. A store without an engine never judges a lease.
 */
export class LeaseJudge {
  readonly #now: () => number
  readonly #heartbeats: () => Iterable<Heartbeat>
  readonly #sightings = new Map<string, Sighting>()

  /** `now` is the monotonic clock. */
  constructor(now: () => number, heartbeats: () => Iterable<Heartbeat>) {
    this.#now = now
    this.#heartbeats = heartbeats
  }

  /** Whether the lease of an engine has ended. The caller has just read its row. */
  isOver(engine: string, expires: number | null, lease: number): boolean {
    const now = this.#now()
    const sighting = this.#sightings.get(engine)
    if (sighting === undefined || sighting.expires !== expires) {
      this.#sightings.set(engine, { expires, since: now })
      return false
    }
    for (const heartbeat of this.#heartbeats()) {
      const awakeSince = heartbeat.awakeSince(now)
      // The heartbeats of an engine with a longer lease show too little about a shorter time.
      const enough = Math.max(lease, heartbeat.lease)
      if (awakeSince !== undefined && now - Math.max(awakeSince, sighting.since) >= enough) return true
    }
    return false
  }

  /** Forgets all engines but these. */
  keep(engines: ReadonlySet<string>): void {
    for (const engine of this.#sightings.keys()) if (!engines.has(engine)) this.#sightings.delete(engine)
  }
}
