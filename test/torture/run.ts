import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import type { Paths } from './checker/world.ts'
import type { Compiled } from './faults/compiling.ts'
import { Injector, setClock, type Crew } from './faults/injector.ts'
import { within } from './faults/patience.ts'
import { Programs, type Program } from './faults/programs.ts'
import { mountDisk, StoreFaults, unmountDisk } from './faults/store-faults.ts'
import { Log } from './log.ts'
import { PostgresServer } from '../postgres/server.ts'
import { exportStore } from './exported.ts'
import { ServerFaults } from './faults/server-faults.ts'
import { endReading } from './reader.ts'

export type StoreKind = 'sqlite' | 'postgres'

export interface RunOptions {
  readonly seed: number
  /** For how long there is load, in milliseconds; the end takes some seconds more. */
  readonly load: number
  readonly crew?: Crew
  readonly lease?: number
  /** What the store is: a file, by default, or on a Postgres server of the run's own. */
  readonly kind?: StoreKind | undefined
  /** Default true. */
  readonly faults?: boolean
  readonly compiled: Compiled
}

/** The end, in which everything has to come to its own end, takes so long at most, in milliseconds. */
const QUIET = 90_000
const MEGABYTES = 192
/** Programs may take so long to start where the machine is busy, in milliseconds. */
const STARTING = 60_000
/** All programs of a run. */
const KINDS = ['engine', 'client', 'quiet', 'command'] as const
/** Closing engines get so long, in milliseconds. */
const CLOSING = 30_000

/** One run: load and faults, then only what is needed for everything to end, then the remains. */
export async function torture(options: RunOptions): Promise<Paths> {
  const { seed, load, crew = { engines: 3, clients: 2 }, lease = 1_000, faults = true, compiled } = options
  const server = options.kind === 'postgres' ? await startServer() : undefined
  const folder = mkdtempSync(join(tmpdir(), `damson-torture-${seed}-`))
  const disk = join(folder, 'disk')
  mkdirSync(disk)
  const mounted = faults && server === undefined ? mountDisk(disk, MEGABYTES) : undefined
  if (faults && server === undefined && mounted === undefined)
    console.log("no small disk can be mounted here: the fault 'fill disk' is left out")
  const store = server?.url ?? join(disk, 'torture.db')
  const clock = join(folder, 'clock')
  writeFileSync(clock, new Uint8Array(8))
  setClock(clock, 0)
  const path = join(folder, 'log')
  const log = new Log(path, 'main')
  const late = watchLateness(log)
  const programs = new Programs({ folder, store, log: path, clock, lease, compiled }, log)
  const storeFaults = new StoreFaults(store, folder, mounted, log)
  // Whoever is stopped leaves no disk and no program behind, also none that is frozen.
  const interrupted = (): void => {
    for (const kind of KINDS) for (const program of programs.of(kind)) program.signal('SIGKILL')
    if (mounted !== undefined) unmountDisk(mounted)
    void server?.remove()
    process.exit(130)
  }
  process.on('SIGINT', interrupted).on('SIGTERM', interrupted)
  try {
    const injector = new Injector({
      seed,
      crew,
      lease,
      programs,
      store: server === undefined ? storeFaults : new ServerFaults(server, log),
      storePath: store,
      clock,
      log,
    })
    await injector.run(load, faults)
    for (const kind of ['client', 'engine'] as const)
      for (const program of programs.of(kind)) {
        // What has not even opened the store is of no use any more.
        if (program.ready) continue
        log.add({ what: 'fault', fault: 'SIGKILL', phase: 'at', program: program.name })
        program.signal('SIGKILL')
      }
    for (const client of programs.of('client')) client.end()
    await allEnd(programs.of('client'), log)
    await injector.stop()
    log.add({ what: 'fault', fault: 'none any more', phase: 'at' })
    await stop(programs.of('engine'), log)
    const last = [programs.start('engine', { seed }), programs.start('engine', { seed: seed + 1 })]
    await within(STARTING, () => last.every(({ ready, over }) => ready || over))
    await allEnd([programs.start('quiet', { seed })], log, QUIET)
    await stop(programs.of('engine'), log)
    // Whoever opens the store clears away what dead engines have left.
    await programs.command(['list', '--json']).ended
    storeFaults.close()
    const remains =
      server === undefined
        ? keep(folder, path, store, storeFaults.copies, lease)
        : await keepExported(folder, path, store, lease)
    writeFileSync(join(folder, 'remains.json'), JSON.stringify(remains))
    return remains
  } finally {
    storeFaults.close()
    for (const kind of KINDS)
      for (const program of programs.of(kind)) {
        program.signal('SIGCONT')
        program.signal('SIGKILL')
        await program.ended
      }
    late()
    await endReading()
    await server?.remove()
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
    if (mounted !== undefined) unmountDisk(mounted)
  }
}

async function stop(engines: readonly Program[], log: Log): Promise<void> {
  for (const engine of engines) {
    log.add({ what: 'fault', fault: 'SIGTERM', phase: 'at', program: engine.name })
    engine.signal('SIGTERM')
  }
  await allEnd(engines, log)
}

/** Waits for programs; one that does not end in time is killed, which the checker does not expect. */
async function allEnd(programs: readonly Program[], log: Log, time = CLOSING): Promise<void> {
  await within(time, () => programs.every(({ over }) => over))
  for (const program of programs) {
    if (program.over) continue
    log.add({ what: 'fault', fault: 'does not end', phase: 'at', program: program.name })
    program.signal('SIGKILL')
  }
  await Promise.all(programs.map(({ ended }) => ended))
}

/** The store leaves its disk before that is unmounted. */
function keep(folder: string, log: string, store: string, backups: readonly string[], lease: number): Paths {
  const kept = join(folder, basename(store))
  for (const end of ['', '-wal']) if (existsSync(store + end)) copyFileSync(store + end, kept + end)
  const locks = readdirSync(dirname(store)).filter((name) => name.includes('-engine-'))
  return { folder, log, store: kept, backups, locks, lease }
}

/** A server that knows the order of its commits. */
export async function startServer(): Promise<PostgresServer> {
  const server = await PostgresServer.start()
  server.query('ALTER SYSTEM SET track_commit_timestamp = on')
  await server.restart()
  return server
}

/** The server goes, and what it had stays in a file. */
async function keepExported(folder: string, log: string, store: string, lease: number): Promise<Paths> {
  const kept = join(folder, 'torture.db')
  await exportStore(store, kept)
  return { folder, log, store: kept, backups: [], locks: [], lease }
}

/** Notes when this program gets no time, as then others do not either. */
function watchLateness(log: Log): () => void {
  let last = performance.now()
  const timer = setInterval(() => {
    const now = performance.now()
    if (now - last > 400) log.add({ what: 'late', ms: Math.round(now - last) })
    last = now
  }, 100)
  return () => clearInterval(timer)
}
