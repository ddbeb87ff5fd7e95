import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import { Client } from '../../../src/index.ts'
import { play, resume, signal } from './asking.ts'
import { read } from './calling.ts'
import { classes } from './classes.ts'
import { log, MENDED, given } from './here.ts'
import { Ledger } from './ledger.ts'
import { logger, opened } from './opening.ts'
import { endReading, isServer, rowsOf } from '../reader.ts'

/*
 * Gives every process what it still needs, without any faults, and notes what does not end all the same.
 */

/** For so long something has to happen, or else all that is left is stuck. In milliseconds. */
const PATIENCE = 15_000
/** All of it takes so long at most, in milliseconds. */
const LONGEST = 60_000

interface Waiting {
  readonly pid: string
  readonly class: string
  readonly state: string
  readonly paused: number
  readonly parked: string | null
  readonly receives: string | null
  readonly resumable: number
  readonly kept: number
}

writeFileSync(join(given.folder, MENDED), '')
const client = await opened(() =>
  Client.open({ store: given.store, processes: Object.values(classes), killGrace: 1_500, logger }),
)
const { store } = given
const SIGNAL = isServer(store) ? 'signal' : 'name'
const UNENDED = `SELECT p.pid, class, state, paused, parked, receives, resumable,
    (SELECT count(*) FROM message m WHERE m.pid = p.pid AND m.${SIGNAL} IS NOT DISTINCT FROM p.receives) AS kept
  FROM process p WHERE ended_at IS NULL AND NOT (calls IS NOT DISTINCT FROM 0 AND state = 'waiting' AND paused = 0) ORDER BY id`
const LAST = isServer(store) ? 'SELECT count(*) AS last FROM history' : 'SELECT max(id) AS last FROM feed'

// Time in which this program got nothing done does not count: others got none either.
const TURN = 400
let [all, idle, at, last] = [0, 0, performance.now(), 0]
while (all < LONGEST && idle < PATIENCE) {
  const rows = await readRows<Waiting>(UNENDED)
  if (rows.length === 0) break
  const [entries] = await readRows<{ last: number | null }>(LAST)
  const now = entries?.last ?? 0
  const took = Math.min(performance.now() - at, TURN)
  all += took
  idle = now === last ? idle + took : 0
  at = performance.now()
  last = now
  await Promise.all(rows.map((row) => help(row)))
  await later(200)
}
for (const { pid } of await readRows<Waiting>(UNENDED)) {
  const why = await client.explain(pid).catch((error: unknown) => `explain failed: ${String(error)}`)
  log.add({ what: 'stuck', pid, why })
}
for (const { pid } of await readRows<{ pid: string }>("SELECT pid FROM process WHERE class = 'Ledger'"))
  await read(client.actorById(Ledger, pid))
await endReading()
await client.close()

/** The rows of a query, however long another program has the lock. */
async function readRows<R>(query: string): Promise<readonly R[]> {
  for (let tries = 1; ; tries++) {
    try {
      return await rowsOf<R>(store, query)
    } catch (error) {
      if (tries === 50) throw error
      await later(100)
    }
  }
}

async function help({ pid, class: name, paused, receives, resumable, kept }: Waiting): Promise<void> {
  const handle = client.handle(pid)
  if (paused === 1) await play(handle)
  else if (receives === 'ping' && kept === 0) await signal(handle, receives)
  else if (name === 'Asker' && resumable === 1 && kept === 0) await resume(handle)
}
