import { canLoad, canRun, type EngineRow } from '../../persistence/contract/engines.ts'
import type { Control } from '../../persistence/contract/control.ts'
import type { ProcessRow } from '../../persistence/contract/rows.ts'
import { SUSPECT_AFTER } from '../../persistence/rules/transitions.ts'
import { stepsOf } from './steps-of-engine.ts'
import { formatTime, span } from './wording.ts'

/*
 * What `explain` reports about the engine that runs a process, or those that could.
 */

/** How long a step runs before an explanation advises what to do if it hangs, in milliseconds. */
const LONG = 60_000
/** The most engines whose slots are checked. */
const NAMED = 4

export const START = 'start one with `damson worker MODULE`'

/** Reports that an engine runs a process, or ran it and is gone. */
export async function runBy(row: ProcessRow, owner: string, store: Control, now: number): Promise<string[]> {
  const engines = await store.engines()
  const engine = engines.find(({ id }) => id === owner)
  const taken = engines.some(({ alive }) => alive)
    ? 'the next scan of any engine takes it back'
    : `no engine runs that could take it back: ${START}`
  if (engine === undefined) return [`engine ${owner} ran it and is gone; ${taken}`]
  const named = `engine ${engine.id} (program ${engine.osPid} on ${engine.host})`
  if (!engine.alive) return [`${named} ran it and has crashed; ${taken}`]
  return [`${named} runs it; its lease lasts another ${span(engine.expires - now)}`, ...longStep(row, now)]
}

/** Reports that a step has been running for a long time. */
function longStep({ pid, state, updatedAt }: ProcessRow, now: number): string[] {
  if (state === 'waiting' || now - updatedAt < LONG) return []
  return [
    `nothing was recorded since its step began at ${formatTime(updatedAt, now)}. If it hangs, \`damson kill ${pid}\` ends it; \`spec.timeout\` limits each attempt of a step`,
  ]
}

/** Reports that the slots of an engine are taken, and which step has run longest. */
async function slotsTaken({ id, concurrency }: EngineRow, store: Control, now: number): Promise<string[]> {
  const steps = await stepsOf(store, id)
  const [longest] = steps
  if (longest === undefined || concurrency === 0 || steps.length < concurrency) return []
  const { className, pid, updatedAt } = longest
  return [
    `engine ${id} has ${steps.length} of ${concurrency} slots taken, longest by ${className} ${pid}, for ${span(now - updatedAt)}`,
  ]
}

/** Reports which engines could run a ready process, and why none does yet. */
export async function whoCouldRun(row: ProcessRow, store: Control, now: number): Promise<string[]> {
  const { className, version, crashes, pid, worker } = row
  const alive = (await store.engines()).filter((engine) => engine.alive)
  if (alive.length === 0) return [`it is ready, and no engine runs on this store: ${START}`]
  const loadable = alive.filter((engine) => canRun(engine, row))
  if (
    loadable.length === 0 &&
    worker !== null &&
    alive.some(({ classes }) => canLoad(classes, className, version))
  )
    return [
      `it is ready, and was launched for an engine with the label ${worker}, but no such engine runs: start one with \`damson worker MODULE --label ${worker}\``,
    ]
  if (loadable.length === 0)
    return [
      `it is ready, but no running engine has class ${className} in version ${version}: ${START} that exports it`,
    ]
  const held = loadable.flatMap(({ id, suspect }) => {
    if (suspect === null) return []
    if (suspect.pid === pid)
      return [`engine ${id} is waiting for its other steps to end, and then runs this process`]
    const named = `the suspect ${suspect.className} ${suspect.pid}`
    const why = suspect.runs
      ? `it runs ${named} alone`
      : `it waits for its steps to end, to run ${named} alone`
    return [`engine ${id} starts nothing else, because ${why}`]
  })
  if (crashes >= SUSPECT_AFTER) {
    const isDrainedFor = loadable.some(({ suspect }) => suspect?.pid === pid)
    const then = isDrainedFor
      ? ''
      : '; if no engine is idle within a minute, one engine that has its class stops starting other processes until it is idle'
    return [`it is ready, and waits for an engine that runs nothing else${then}`, ...held]
  }
  const full = loadable.length - held.length
  const what = worker === null ? 'its class' : `its class and the label ${worker}`
  const who = full === 1 ? `one running engine has ${what}` : `${full} running engines have ${what}`
  const taken = (
    await Promise.all(loadable.slice(0, NAMED).map((engine) => slotsTaken(engine, store, now)))
  ).flat()
  const queued = full === 0 ? 'it is ready and queued' : `it is ready and queued for a free slot; ${who}`
  return [queued, ...taken, ...held]
}
