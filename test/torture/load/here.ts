import type { Client } from '../../../src/index.ts'
import { Log } from '../log.ts'

/** What a program of the load gets when it is started. */
export interface Given {
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

export const given = JSON.parse(process.argv[2] ?? '{}') as Given
export const log = new Log(given.log, given.name)

/** The name of a file with which everything is mended. */
export const MENDED = 'all is mended'

/** How long the event loop may stand still, in milliseconds, before that is noted. */
const LATE = 300
let blockedUntil = 0

/** Stops the whole program for so long, on purpose. */
export function block(ms: number): void {
  log.add({ what: 'fault', fault: 'block', phase: 'begin', program: given.name })
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
  blockedUntil = performance.now()
  log.add({ what: 'fault', fault: 'block', phase: 'end', program: given.name })
}

let last = performance.now()
setInterval(() => {
  const now = performance.now()
  if (now - last > LATE && blockedUntil < last) log.add({ what: 'late', ms: Math.round(now - last) })
  last = now
}, 100).unref()

/** The program's own client, for steps that ask something of the store. */
export const here: { client: Client | undefined } = { client: undefined }
