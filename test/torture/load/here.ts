import type { Client } from '../../../src/index.ts'
import { Log } from '../log.ts'

/** What a program of the load is told when it is started. */
export interface Told {
  readonly name: string
  readonly seed: number
  readonly store: string
  readonly log: string
  /** A folder for what programs say besides. */
  readonly folder: string
  readonly lease: number
  /** Whether it knows the classes as they were before. */
  readonly old: boolean
}

export const told = JSON.parse(process.argv[2] ?? '{}') as Told
export const log = new Log(told.log, told.name)

/** The name of a file with which everything is mended. */
export const MENDED = 'all is mended'

/** How long the event loop may stand still, in milliseconds, before that is noted. */
const LATE = 300
let blockedUntil = 0

/** Stops the whole program for so long, on purpose. */
export function block(ms: number): void {
  log.add({ what: 'fault', fault: 'block', phase: 'begin', program: told.name })
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
  blockedUntil = performance.now()
  log.add({ what: 'fault', fault: 'block', phase: 'end', program: told.name })
}

let last = performance.now()
setInterval(() => {
  const now = performance.now()
  if (now - last > LATE && blockedUntil < last) log.add({ what: 'late', ms: Math.round(now - last) })
  last = now
}, 100).unref()

/** The program's own client, for steps that ask something of the store. */
export const here: { client: Client | undefined } = { client: undefined }
