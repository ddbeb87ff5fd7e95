import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { readLog, type Line } from '../log.ts'
import { entriesOf, piecesOf } from './unpacked.ts'

/*
 * What the checker knows: the log and the tables, read by itself. Nothing of the engine's code is used here, so no fault of it can hide itself.
 */

/** What a run found wrong. */
export interface Finding {
  /** What is violated, in words. */
  readonly rule: string
  readonly pid?: string | undefined
  readonly what: string
}

export interface Happened {
  /** Its place among all entries, and among those of its process. */
  readonly id: number
  readonly n: number
  readonly commit: number
  readonly seq: number
  readonly at: number
  readonly name: string
  readonly data: Readonly<Record<string, unknown>>
  readonly by: string | null
}

/** A process as the store has it. */
export interface Stored {
  readonly pid: string
  readonly class: string
  readonly state: string
  readonly seq: number
  readonly paused: number
  readonly parked: string | null
  readonly parent: string | null
  readonly key: string | null
  readonly owner: string | null
  readonly origin: string | null
  readonly ended_at: number | null
  readonly successful: number | null
  readonly message: string | null
  readonly inputs: Readonly<Record<string, unknown>>
  readonly outputs: Readonly<Record<string, unknown>>
  /** The names of all parts. */
  readonly parts: readonly string[]
  readonly history: readonly Happened[]
  readonly kept: number
  readonly awaited: number
  /** Of a call: its actor. */
  readonly actor: string | null
  /** Of an actor: how many of its calls have not ended. */
  readonly calls: number | null
  /** What the last step gave. */
  readonly result: unknown
  /** The fields of an actor, once it is constructed. */
  readonly memory: Readonly<Record<string, unknown>> | undefined
}

export type Numbered = Line & { readonly index: number }

export interface World {
  readonly lines: readonly Numbered[]
  readonly processes: ReadonlyMap<string, Stored>
  /** All history, of all processes, in the order of its numbers. */
  readonly history: readonly (Happened & { readonly pid: string })[]
  /** What the database says of itself. */
  readonly integrity: string
  /** For each copy that was made in between: what it says of itself, and its history. */
  readonly backups: readonly {
    readonly name: string
    readonly integrity: string
    readonly history: World['history']
  }[]
  readonly locks: readonly string[]
  /** What programs have written to their standard error. */
  readonly said: ReadonlyMap<string, string>
  /** Milliseconds. */
  readonly lease: number
}

/** What a run leaves. */
export interface Paths {
  readonly folder: string
  readonly log: string
  readonly store: string
  readonly backups: readonly string[]
  /** The lock files of engines that are still there. */
  readonly locks: readonly string[]
  readonly lease: number
}

export function readWorld({ folder, log, store, backups, locks, lease }: Paths): World {
  const file = new Database(store, { fileMustExist: true })
  try {
    // The lock file of an engine that died in the end stays until another has taken back what it held.
    const engines = file
      .prepare<[], { id: string }>('SELECT id FROM engine')
      .all()
      .map(({ id }) => id)
    const said = readdirSync(folder)
      .filter((name) => name.endsWith('.stderr'))
      .map((name) => [name.slice(0, -'.stderr'.length), readFileSync(join(folder, name), 'utf8')] as const)
    return {
      lines: readLog(log).map((line, index) => ({ ...line, index })),
      processes: processesOf(file),
      history: historyOf(file),
      integrity: integrityOf(file),
      backups: backups.filter(existsSync).map(readBackup),
      locks: locks.filter((name) => !engines.some((id) => name.includes(id))),
      said: new Map(said),
      lease,
    }
  } finally {
    file.close()
  }
}

function readBackup(path: string): World['backups'][number] {
  const file = new Database(path, { readonly: true })
  try {
    const integrity = integrityOf(file)
    return { name: path, integrity, history: integrity === 'ok' ? historyOf(file) : [] }
  } catch (error) {
    return { name: path, integrity: String(error), history: [] }
  } finally {
    file.close()
  }
}

function integrityOf(file: Database.Database): string {
  return String(file.pragma('integrity_check', { simple: true }))
}

function historyOf(file: Database.Database): World['history'] {
  const rows = file.prepare<[], { id: number; pid: string }>('SELECT id, pid FROM process').all()
  const pids = new Map(rows.map(({ id, pid }) => [id, pid]))
  return entriesOf(file).map(({ process, data, ...entry }) => ({
    ...entry,
    pid: pids.get(process) ?? '',
    data: data === null ? {} : (JSON.parse(data) as Happened['data']),
  }))
}

type ProcessRow = Omit<Stored, 'inputs' | 'outputs' | 'parts' | 'history' | 'result' | 'memory'> & {
  readonly id: number
  readonly data: string
}

function processesOf(file: Database.Database): ReadonlyMap<string, Stored> {
  const history = groupBy(historyOf(file), ({ pid }) => pid)
  const parts = groupBy(piecesOf(file), ({ process }) => process)
  const rows = file
    .prepare<[], ProcessRow>(
      `SELECT id, pid, class, state, seq, paused, parked, parent, key, owner, origin, ended_at, successful, message,
         actor, calls, data,
         (SELECT count(*) FROM message WHERE message.pid = process.pid) AS kept,
         (SELECT count(*) FROM awaits WHERE awaits.pid = process.pid) AS awaited
       FROM process ORDER BY id`,
    )
    .all()
  return new Map(
    rows.map(({ data, ...row }) => {
      const own = parts.get(row.id) ?? []
      const inputs = own.find(({ name }) => name === 'inputs')?.text ?? '{}'
      const memory = own.find(({ name }) => name === 'memory')?.text
      const outputs = own
        .filter(({ name }) => name.startsWith('out:'))
        .map(({ name, text }) => [name.slice('out:'.length), JSON.parse(text) as unknown])
      return [
        row.pid,
        {
          ...row,
          inputs: JSON.parse(inputs) as Stored['inputs'],
          outputs: Object.fromEntries(outputs) as Stored['outputs'],
          parts: own.map(({ name }) => name),
          result: (JSON.parse(data) as { readonly result?: unknown }).result,
          memory: memory === undefined ? undefined : (JSON.parse(memory) as Stored['memory']),
          history: history.get(row.pid) ?? [],
        },
      ]
    }),
  )
}

/** An entry of a history as findings show it. */
export function text({ id, seq, name, data, by }: Happened): string {
  return `#${id} seq ${seq} ${name} ${JSON.stringify(data)}${by === null ? '' : ` by ${by}`}`
}

/** The processes that a process descends from, its parent first. */
export function ancestors(world: World, pid: string): string[] {
  const found: string[] = []
  for (let at = world.processes.get(pid)?.parent ?? null; at !== null && !found.includes(at);) {
    found.push(at)
    at = world.processes.get(at)?.parent ?? null
  }
  return found
}

/** The process that a line of restarts began with. */
export function root(world: World, pid: string): string {
  let at = pid
  for (let next = world.processes.get(at)?.origin; next != null; next = world.processes.get(at)?.origin)
    at = next
  return at
}

export function groupBy<K, V>(things: readonly V[], keyOf: (thing: V) => K): Map<K, V[]> {
  const groups = new Map<K, V[]>()
  for (const thing of things) {
    const key = keyOf(thing)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [thing])
    else group.push(thing)
  }
  return groups
}
