import { setTimeout as later } from 'node:timers/promises'
import type { ActorRef, CallOptions, Client, ProcessHandle } from '../../../src/index.ts'
import type { Random } from '../../crash/random.ts'
import { ask, kill, pause, play } from './asking.ts'
import { log, given } from './here.ts'
import { Ledger, type Noticed } from './ledger.ts'
import { logger } from './opening.ts'

/** The actors that all programs call. */
export const SHARED = ['ledger strict', 'ledger ready', 'ledger small', 'ledger again'] as const

/** What is said of each when it is made. */
const OPTIONS = {
  'ledger ready': { order: 'ready' },
  'ledger small': { maxMailbox: 6 },
  'ledger again': { retries: 1 },
} as const

export type Method = 'note' | 'take' | 'pay' | 'nap' | 'ponder' | 'fail'

/** Opens the ledger with an id, or makes it. */
export async function openLedger(client: Client, id: string): Promise<ActorRef<Ledger> | undefined> {
  const args: [number] = [id.length]
  const options = { id, ...OPTIONS[id as keyof typeof OPTIONS] }
  const asked = { do: 'launch', pid: id, class: 'Ledger', inputs: { args } } as const
  const opened = await ask(asked, async () => {
    const ref = await client.actor(Ledger, args, options)
    return { pid: ref.id, ref }
  })
  return opened?.ref
}

/** A call, and when it is known to be stored, or is not. */
export interface Called {
  readonly handle: ProcessHandle<Noticed>
  readonly stored: Promise<unknown>
}

/** Calls a ledger. The first argument is the number of the question. */
export function call(
  ref: ActorRef<Ledger>,
  method: Method,
  args: readonly unknown[],
  options?: CallOptions,
): Called {
  const made: { handle?: ProcessHandle<Noticed> } = {}
  const shown = args.map((one) => (typeof one === 'number' ? one : null))
  const inputs = { args: shown, retries: options?.retries }
  const stored = ask({ do: 'call', pid: ref.id, class: `Ledger.${method}`, inputs }, async (op) => {
    const handle = ref.send(method, [op, ...args], options)
    made.handle = handle
    await handle.submitted()
    return handle
  })
  if (made.handle === undefined) throw new Error(`${method} of ${ref.id} has given no handle`)
  return { handle: made.handle, stored }
}

/** Reads how many calls have changed a ledger, and which was the last. */
export function read(ref: ActorRef<Ledger>): Promise<unknown> {
  return ask({ do: 'read', pid: ref.id }, async () => {
    const lines = await ref.get('lines')
    return { place: lines.length, last: lines.at(-1) }
  })
}

/** Waits for a call, and notes what its handle says of it. */
export async function settled({ handle, stored }: Called, timeout: number): Promise<void> {
  if ((await stored) === undefined) return
  try {
    const state = await handle.wait({ timeout })
    if (state === null) return
    const outcome = await handle.outcome()
    const value = outcome.status === 'fulfilled' ? outcome.value : undefined
    log.add({ what: 'reported', pid: handle.pid, state: state.label, value })
  } catch (error) {
    logger.warn({ error, pid: handle.pid }, 'nothing more is heard of a call')
  }
}

/** For how long what a call gave is waited for, in milliseconds. */
const PATIENCE = 6_000
let own = 0
/** Calls of which others may take what they give. */
const recent: ProcessHandle<Noticed>[] = []

/** Calls a ledger several times. One that belongs to this program alone is stopped or killed then. */
export async function callSome(client: Client, random: Random, stop: AbortSignal): Promise<void> {
  const isShared = random.below(5) > 0
  const id = isShared ? random.oneOf(SHARED) : `ledger ${given.name} ${++own}`
  const ref = await openLedger(client, id)
  if (ref === undefined) return
  const control = isShared ? pausedSome(ref, random, stop) : undefined
  const called: Called[] = []
  const told: Promise<unknown>[] = []
  const count = 3 + random.below(8)
  for (let index = 0; index < count && !stop.aborted; index++) {
    const one = callOne(ref, random)
    called.push(one)
    recent.push(one.handle)
    if (recent.length > RECENT) recent.shift()
    if (random.below(8) === 0) told.push(killed(one, random))
    if (random.below(3) === 0) told.push(settled(one, PATIENCE))
    // Several in one turn, or one after the other.
    if (random.below(3) === 0) await settled(one, PATIENCE)
    else if (random.below(2) === 0) await later(random.below(200))
    if (random.below(4) === 0) await read(ref)
  }
  if (!isShared && !stop.aborted) await ended(ref, random)
  await Promise.all([control, ...told, ...called.map(({ stored }) => stored)])
}

async function killed({ handle, stored }: Called, random: Random): Promise<void> {
  const [force, wait] = [random.below(3) === 0, random.below(150)]
  if ((await stored) === undefined) return
  await later(wait)
  await kill(handle, force)
}

const RECENT = 6

export function callOne(ref: ActorRef<Ledger>, random: Random): Called {
  const by = 1 + random.below(100)
  const chance = random.below(12)
  if (chance < 4) return call(ref, 'note', [by])
  if (chance < 6) return call(ref, 'pay', [by, random.below(120)])
  if (chance < 7) return call(ref, 'nap', [by, random.below(200)])
  if (chance < 9) return call(ref, 'ponder', [by, random.below(250)])
  if (chance < 10 || recent.length === 0)
    return call(ref, 'fail', [by, 1 + random.below(3)], { retries: random.below(4) })
  return call(ref, 'take', [random.oneOf(recent).outputs.ref('n')])
}

async function pausedSome(ref: ActorRef<Ledger>, random: Random, stop: AbortSignal): Promise<void> {
  if (random.below(6) > 0) return
  await later(random.below(500))
  if (stop.aborted) return
  await pause(ref.process)
  await later(random.below(800))
  if (!stop.aborted) await play(ref.process)
}

async function ended(ref: ActorRef<Ledger>, random: Random): Promise<void> {
  const how = random.below(4)
  if (how === 0) await kill(ref.process, false)
  else if (how < 3)
    await ask({ do: 'stop', pid: ref.id, force: how === 2 }, () =>
      ref.stop({ timeout: PATIENCE, drain: how === 1 }),
    )
}
