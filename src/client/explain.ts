import type { Control, ProcessRow } from '../persistence/store.ts'
import { isTerminal } from '../process/machine.ts'
import type { Clock } from '../shared/clock.ts'
import { ProcessLost } from '../shared/errors.ts'

/**
 * Why a process is not moving, in plain words: who runs it, what it waits for, what was asked of it.
 *
 * @throws ProcessLost where the store has no such process
 */
export async function explain(store: Control, clock: Clock, pid: string): Promise<string> {
  const row = await store.read(pid)
  if (row === undefined) {
    throw new ProcessLost(
      pid,
      `there is no process ${pid} in this store: the pid is wrong, or it is another store`,
    )
  }
  const lines = [headline(row, clock.now()), ...(await reasons(row, store, clock))]
  return lines.join('\n')
}

function headline(row: ProcessRow, now: number): string {
  const step = row.step === null ? '' : ` in step ${row.step}`
  return `${row.className} ${row.pid} is ${row.state}${step} since ${span(now - row.updatedAt)}`
}

async function reasons(row: ProcessRow, store: Control, clock: Clock): Promise<string[]> {
  if (isTerminal(row.state)) return ending(row)
  const now = clock.now()
  const said: string[] = []
  if (row.killRequested !== null) {
    const left = row.killRequested.deadline - now
    said.push(
      `a kill was requested${because(row.killRequested.message)}: ` +
        (left > 0
          ? `the step has ${span(left)} left to end`
          : 'its time is up, whoever sees it next ends it'),
    )
  }
  if (row.pauseRequested !== null) {
    said.push(
      `a pause was requested${because(row.pauseRequested.message)}: it takes effect when the step ends`,
    )
  }
  if (row.parked !== null) {
    said.push(`it is parked: ${row.parked}; its saved form is untouched. Mend the class, then play it`)
    return said
  }
  if (row.paused !== null) {
    said.push(`it is paused${because(row.paused.message)}; play lets it go on`)
    if (row.state === 'waiting') {
      const resumed = row.readyAt === null ? '' : '; a resume is kept for it already'
      said.push(`it then waits to be resumed${because(row.message)}${resumed}`)
    }
    return said
  }
  if (row.owner !== null) {
    const engine = (await store.engines()).find(({ id }) => id === row.owner)
    if (engine === undefined)
      said.push(`engine ${row.owner} held it and is gone; the next look of an engine takes it back`)
    else if (engine.alive)
      said.push(
        `engine ${engine.id} (program ${engine.osPid} on ${engine.host}) runs it; its lease lasts another ${span(engine.expires - now)}`,
      )
    else
      said.push(
        `engine ${engine.id} (program ${engine.osPid} on ${engine.host}) held it and has died; an engine takes it back`,
      )
    return said
  }
  if (row.crashes > 0) {
    const times = row.crashes === 1 ? 'once' : `${row.crashes} times`
    said.push(
      `its engine died ${times} without it getting a step further` +
        (row.crashes >= 2 ? '; it runs alone next, and is paused if that engine dies too' : ''),
    )
  }
  if (row.readyAt === null) {
    said.push(`it waits to be resumed${because(row.message ?? row.status)}`)
    return said
  }
  said.push(await whoCouldRun(row, store, now))
  return said
}

async function whoCouldRun(row: ProcessRow, store: Control, now: number): Promise<string> {
  if (row.readyAt !== null && row.readyAt > now) return `it is due in ${span(row.readyAt - now)}`
  const alive = (await store.engines()).filter((engine) => engine.alive)
  if (alive.length === 0) return 'it is ready, and no engine is running on this store'
  const loadable = alive.filter((engine) =>
    engine.classes.some((c) => c.name === row.className && c.version >= row.version),
  )
  if (loadable.length === 0) {
    return `it is ready, but no running engine knows class ${row.className} in version ${row.version}`
  }
  return `it is ready and queued: ${loadable.length === 1 ? 'the engine that knows' : `${loadable.length} engines that know`} its class had no free slot`
}

function ending(row: ProcessRow): string[] {
  const said: string[] = []
  if (row.exitCode !== null)
    said.push(`exit code ${row.exitCode.code} ${row.exitCode.label}: ${row.exitCode.message}`)
  else if (row.state === 'finished' && row.successful === false)
    said.push('it finished, and not successfully')
  if (row.message !== null) said.push(row.message)
  return said
}

function because(message: string | null): string {
  return message === null ? '' : ` (${message})`
}

function span(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds) / 1000
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`
  if (seconds < 90) return `${seconds.toFixed(1)} s`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`
  if (seconds < 129_600) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}
