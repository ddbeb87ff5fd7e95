import { setTimeout } from '../../shared/timers.ts'
import type { Change } from '../contract/rows.ts'
import { type Database, isTaken } from './database.ts'
import { Loaded, type LoadAnswer } from './loaded.ts'
import { NotLoaded } from './not-loaded.ts'
import { PostgresSession } from './postgres-session.ts'
import { encodeJson } from './text.ts'
import { Wanted } from './wanted.ts'

/** How often a commit is made again because others have changed what it read, before it waits between. */
const AT_ONCE = 5
const LONGEST_PAUSE = 50

interface ApplyAnswer {
  readonly stale?: readonly string[]
  readonly tx?: string
}

export interface Committed<T> {
  readonly value: T
  readonly changes: readonly Change[]
  /** The id of the transaction; undefined if there was nothing to store. */
  readonly tx: string | undefined
}

/**
 * Runs rules on what the database has, and stores what they decide, if none of it has changed
 * meanwhile; otherwise once more. No lock is held while the rules run, so that a frozen program holds
 * up nobody.
 */
export class Transactions {
  readonly #database: Database
  readonly #now: () => number
  readonly #sawTime: (now: number) => void

  /** `sawTime` is called with each time of the database that was read. */
  constructor(database: Database, now: () => number, sawTime: (now: number) => void) {
    this.#database = database
    this.#now = now
    this.#sawTime = sawTime
  }

  /**
   * `action` may run several times, each time on a new session. It must catch `NotLoaded` of one part
   * of its work, if it can go on with the others.
   */
  async run<T>(
    doing: string,
    wanted: Wanted,
    action: (session: PostgresSession) => T,
  ): Promise<Committed<T>> {
    let loaded = new Loaded()
    let missing = wanted
    for (let tries = 0; ; tries++) {
      if (tries > AT_ONCE) await pause(Math.random() * LONGEST_PAUSE)
      await this.#load(doing, loaded, missing)
      const session = new PostgresSession(loaded, this.#now())
      let value: T | undefined
      try {
        value = action(session)
      } catch (error) {
        if (!(error instanceof NotLoaded)) throw error
      }
      if (!session.wanted.isEmpty) {
        missing = session.wanted
        tries--
        continue
      }
      const document = session.document()
      if (document === undefined) return { value: value as T, changes: session.changes, tx: undefined }
      const { stale, tx } = await this.#apply(doing, document)
      if (tx !== undefined) return { value: value as T, changes: session.changes, tx }
      // All is read again, since what is stale may be about others, too.
      missing = everything(loaded)
      loaded = new Loaded()
      void stale
    }
  }

  async #apply(doing: string, document: unknown): Promise<ApplyAnswer> {
    try {
      const [row] = await this.#database.query<{ readonly answer: ApplyAnswer }>(
        doing,
        'SELECT @apply($1) AS answer',
        [Encoded.of(document)],
      )
      return row?.answer ?? {}
    } catch (error) {
      if (isTaken(error)) return { stale: [] }
      throw error
    }
  }

  async #load(doing: string, loaded: Loaded, wanted: Wanted): Promise<void> {
    const asked = wanted.toJSON() as { readonly pids: readonly string[] }
    const [row] = await this.#database.query<{ readonly answer: LoadAnswer }>(
      doing,
      'SELECT @load($1) AS answer',
      [Encoded.of(asked)],
    )
    const answer = row?.answer
    if (answer === undefined) return
    this.#sawTime(answer.now)
    loaded.engines = new Set(answer.engines)
    for (const pid of asked.pids) loaded.rows.set(pid, undefined)
    for (const key of wanted.keys) loaded.keys.set(key, undefined)
    for (const found of answer.found ?? []) {
      loaded.rows.set(found.row.pid, found)
      if (found.row.key !== null && wanted.keys.has(found.row.key)) {
        loaded.keys.set(found.row.key, found.row.pid)
        loaded.withParts.add(found.row.pid)
      }
    }
    for (const pid of wanted.parts) loaded.withParts.add(pid)
    for (const pid of wanted.queues) loaded.queues.add(pid)
    for (const [root, pids] of answer.trees ?? []) loaded.trees.set(root, pids)
    for (const [name, positions] of wanted.groups) {
      const known = loaded.groups.get(name)
      const group = answer.groups?.find(({ row: { name: own } }) => own === name)
      const members = [...(known?.group?.members ?? []), ...(group?.members ?? [])]
      loaded.groups.set(name, {
        group: group && { ...group, members },
        positions: new Set([...(known?.positions ?? []), ...positions]),
      })
    }
  }
}

/** Text that `Database.query` must not encode again. */
class Encoded {
  readonly #text: string

  private constructor(text: string) {
    this.#text = text
  }

  static of(value: unknown): Encoded {
    return new Encoded(encodeJson(value))
  }

  /** Called by the driver. */
  toPostgres(): string {
    return this.#text
  }
}

function everything({ rows, keys, withParts, queues, trees, groups }: Loaded): Wanted {
  const wanted = new Wanted()
  for (const pid of rows.keys()) wanted.pids.add(pid)
  for (const key of keys.keys()) wanted.keys.add(key)
  for (const pid of withParts) wanted.parts.add(pid)
  for (const pid of queues) wanted.queues.add(pid)
  for (const root of trees.keys()) wanted.trees.add(root)
  for (const [name, { positions }] of groups) {
    wanted.group(name)
    for (const position of positions) wanted.position(name, position)
  }
  return wanted
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds)
  })
}
