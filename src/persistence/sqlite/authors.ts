import type { Connection } from './connection.ts'

const ADD = 'INSERT INTO author (name) VALUES (?) ON CONFLICT DO NOTHING'

/** The engines and clients that histories name, by their numbers. */
export class Authors {
  readonly #connection: Connection
  readonly #ids = new Map<string, number>()
  readonly #names = new Map<number, string>()
  /** Authors of a transaction that is not known to be committed. */
  readonly #uncommitted = new Set<string>()

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Call it when a transaction begins. The last one may have been rolled back. */
  begin(): void {
    for (const name of this.#uncommitted) this.#ids.delete(name)
    this.#uncommitted.clear()
  }

  /** Call it when the transaction is committed. */
  committed(): void {
    this.#uncommitted.clear()
  }

  /** The number of an author, in a write transaction. */
  idOf(name: string): number {
    const known = this.#ids.get(name)
    if (known !== undefined) return known
    this.#connection.sql(ADD).run(name)
    const id = this.#connection
      .sql<number>('SELECT id FROM author WHERE name = ?')
      .pluck()
      .get(name) as number
    this.#ids.set(name, id)
    this.#uncommitted.add(name)
    return id
  }

  nameOf(id: number): string | null {
    let name = this.#names.get(id)
    if (name === undefined) {
      name = this.#connection.sql<string>('SELECT name FROM author WHERE id = ?').pluck().get(id)
      // A number is never given to another author.
      if (name !== undefined) this.#names.set(id, name)
    }
    return name ?? null
  }
}
