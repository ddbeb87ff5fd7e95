import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import { Engine, type ActorRef, type LaunchOptions, type ProcessHandle } from '../../../src/index.ts'
import { ask, kill, pause, play, resume, savedReference, signal } from './asking.ts'
import { classes, type Known } from './classes.ts'
import { call, openLedger, read, settled } from './calling.ts'
import { here, log, given } from './here.ts'
import { Ledger } from './ledger.ts'

/*
 * A bit of everything, once, without any fault: what is recorded of it is what the tests of the checker corrupt.
 */

const engine = await Engine.open({
  store: given.store,
  processes: Object.values(classes),
  actors: [Ledger],
  killGrace: 1_500,
  handleSignals: false,
})
here.client = engine
log.add({ what: 'engine', id: engine.id })

await Promise.all([
  ended('Steps', { n: 3, slow: 5 }),
  ended('Slow', { n: 2, slow: 20 }),
  ended('Idle', { n: 2, slow: 5 }),
  ended('Sleeper', { n: 3, slow: 20 }),
  ended('Branches', { n: 3, slow: 20 }),
  ended('Brood', { n: 3, slow: 5 }),
  ended('Hasty', { n: 1, slow: 5_000, within: 300 }, { deadline: 300 }),
  playedAgain(),
  ended('Racer', { n: 1, slow: 30 }),
  ended('Flaky', { n: 2, slow: 0 }),
  ended('Chain', { n: 2, slow: 5 }),
  ended('Evolving', { n: 4, slow: 20 }),
  ended('Doomed', { n: 1, slow: 20 }),
  ended('Parent', { n: 2, slow: 10, depth: 1, how: 'join' }),
  ended('Parent', { n: 2, slow: 10, depth: 2, how: 'wait' }),
  ended('Parent', { n: 3, slow: 10, depth: 1, how: 'together' }),
  heard(),
  pausedInItsWait(),
  pausedInItsStep(),
  answered(),
  treeKilled(),
  mended(),
  keyed(),
  ended('Caller', { n: 2, slow: 0 }),
  called(),
  calledOff(),
  taken(),
])
await ended('Steps', { n: 1, slow: 0 }, { delay: 50 })
await engine.close()

async function launched(
  kind: Known,
  inputs: Readonly<Record<string, unknown>>,
  options: LaunchOptions & { readonly delay?: number } = {},
): Promise<ProcessHandle> {
  const pid = options.pid ?? `${kind} ${JSON.stringify(inputs)} ${JSON.stringify(options)}`
  const { key, delay } = options
  const handle = await ask({ do: 'launch', pid, class: kind, inputs, key, delay }, () =>
    engine.launch(classes[kind], inputs as never, key === undefined ? { ...options, pid } : options),
  )
  if (handle === undefined) throw new Error(`${pid} cannot be launched`)
  return handle
}

async function ends(handle: ProcessHandle): Promise<void> {
  const state = await handle.wait()
  log.add({ what: 'reported', pid: handle.pid, state: state?.label ?? 'nothing' })
}

async function ended(...args: Parameters<typeof launched>): Promise<void> {
  await ends(await launched(...args))
}

/** Waits until a process waits. */
async function waits(handle: ProcessHandle): Promise<void> {
  while ((await handle.refresh()).label !== 'waiting') await later(5)
}

async function heard(): Promise<void> {
  const handle = await launched('Listener', { n: 3, slow: 0, how: 'wait' }, { pid: 'hears' })
  for (let count = 0; count < 3; count++) await signal(handle, 'ping')
  await ends(handle)
}

async function pausedInItsWait(): Promise<void> {
  const handle = await launched('Listener', { n: 2, slow: 0, how: 'hold' }, { pid: 'paused in its wait' })
  await waits(handle)
  await pause(handle)
  await signal(handle, 'ping')
  await signal(handle, 'ping')
  await play(handle)
  await ends(handle)
}

async function pausedInItsStep(): Promise<void> {
  const handle = await launched('Steps', { n: 4, slow: 100 }, { pid: 'paused in its step' })
  await later(50)
  await pause(handle)
  while (!(await handle.refresh()).paused) await later(5)
  await play(handle)
  await ends(handle)
}

async function playedAgain(): Promise<void> {
  const mend = join(given.folder, 'mended for good')
  const handle = await launched('Stubborn', { n: 2, slow: 0, mend }, { pid: 'is played again' })
  while (!(await handle.refresh()).paused) await later(5)
  writeFileSync(mend, '')
  await play(handle)
  await ends(handle)
}

async function answered(): Promise<void> {
  const handle = await launched('Asker', { n: 2, slow: 0 }, { pid: 'asks' })
  await resume(handle)
  await resume(handle)
  await ends(handle)
}

async function treeKilled(): Promise<void> {
  const handle = await launched(
    'Parent',
    { n: 2, slow: 5_000, depth: 2, how: 'wait' },
    { pid: 'killed with its tree' },
  )
  await waits(handle)
  await later(100)
  await kill(handle, false)
  await ends(handle)
}

async function mended(): Promise<void> {
  const mend = join(given.folder, 'mended')
  const handle = await launched('Failing', { n: 2, slow: 0, mend }, { pid: 'fails' })
  await ends(handle)
  writeFileSync(mend, '')
  const next = await ask({ do: 'restart', pid: handle.pid }, () => engine.restart(handle.pid))
  if (next !== undefined) await ends(next)
}

async function opened(id: string): Promise<ActorRef<Ledger>> {
  const ref = await openLedger(engine, id)
  if (ref === undefined) throw new Error(`${id} cannot be opened`)
  return ref
}

async function taken(): Promise<void> {
  const sums = await launched('Steps', { n: 2, slow: 20 }, { pid: 'is taken' })
  await takes(sums, 'takes')
  const killed = await launched('Slow', { n: 2, slow: 5_000 }, { pid: 'is not taken' })
  const taker = takes(killed, 'takes nothing')
  await later(50)
  await kill(killed, true)
  await taker
}

async function takes(upstream: ProcessHandle, pid: string): Promise<void> {
  const inputs = { n: 2, slow: 0, value: savedReference(upstream, 'sum') }
  const handle = await ask({ do: 'launch', pid, class: 'Taker', inputs }, () =>
    engine.launch(classes.Taker, { n: 2, slow: 0, value: upstream.outputs.ref('sum') }, { pid }),
  )
  if (handle !== undefined) await ends(handle)
}

async function called(): Promise<void> {
  const ref = await opened('is called')
  const first = call(ref, 'note', [3])
  const taken = call(ref, 'take', [first.handle.outputs.ref('n')])
  const paid = call(ref, 'pay', [5, 10])
  const failed = call(ref, 'fail', [7, 2], { retries: 1 })
  const retried = call(ref, 'fail', [7, 1], { retries: 1 })
  const untaken = call(ref, 'take', [failed.handle.outputs.ref('n')])
  const napped = call(ref, 'nap', [1, 10])
  const calls = [first, taken, paid, failed, retried, untaken, napped]
  await Promise.all(calls.map((one) => settled(one, 60_000)))
  await read(ref)
  await pause(ref.process)
  while (!(await ref.process.refresh()).paused) await later(5)
  const held = call(ref, 'note', [2])
  const off = call(ref, 'note', [2])
  await off.stored
  await kill(off.handle, false)
  await play(ref.process)
  await settled(held, 60_000)
  await settled(off, 60_000)
  await read(ref)
}

async function calledOff(): Promise<void> {
  const ref = await opened('is killed')
  await settled(call(ref, 'note', [3]), 60_000)
  const calls = [call(ref, 'ponder', [3, 5_000]), call(ref, 'note', [3])]
  await Promise.all(calls.map(({ stored }) => stored))
  await later(50)
  await kill(ref.process, false)
  await Promise.all(calls.map((one) => settled(one, 60_000)))
  const stopped = await opened('is stopped')
  call(stopped, 'note', [3])
  await ask({ do: 'stop', pid: stopped.id, force: false }, () => stopped.stop())
}

async function keyed(): Promise<void> {
  await ends(await launched('Steps', { n: 1, slow: 0 }, { key: 'a key' }))
  await launched('Steps', { n: 1, slow: 0 }, { key: 'a key' })
}
