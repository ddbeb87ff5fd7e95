import type { Message } from '../rules/claim.ts'
import type { Pending } from '../contract/control.ts'
import type { Connection } from './connection.ts'

const OLDEST = 'SELECT id, value FROM message WHERE pid = ? AND name IS ? AND id IS NOT ? ORDER BY id LIMIT 1'
const INSERT = 'INSERT INTO message (pid, by, name, sender, value) VALUES (?, ?, ?, ?, ?)'

/** The table `message`: resumes and signals that are kept until a process consumes them. */
export class MessageTable {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * The oldest signal of a name, or with null the oldest resume, except the message with the id
   * `except`.
   */
  oldest(pid: string, signal: string | null, except: number | null = null): Message | undefined {
    return this.#connection.sql<Message>(OLDEST).get(pid, signal, except)
  }

  hasFrom(pid: string, sender: string): boolean {
    return (
      this.#connection.sql('SELECT 1 FROM message WHERE pid = ? AND sender = ?').get(pid, sender) !==
      undefined
    )
  }

  add(pid: string, sender: string, signal: string | null, value: string): void {
    this.#connection.sql(INSERT).run(pid, signal === null ? 'resume' : 'signal', signal, sender, value)
  }

  /** Removes a message. Returns the sender's id of it. */
  take(id: number): string | undefined {
    return this.#connection.sql<string>('DELETE FROM message WHERE id = ? RETURNING sender').pluck().get(id)
  }

  /** Whether any message is kept. */
  any(): boolean {
    return this.#connection.sql('SELECT 1 FROM message LIMIT 1').get() !== undefined
  }

  dropAll(pid: string): void {
    this.#connection.sql('DELETE FROM message WHERE pid = ?').run(pid)
  }

  pending(pid: string, limit: number): Pending['mail'] {
    return this.#connection
      .sql<Pending['mail'][number]>('SELECT by, name FROM message WHERE pid = ? ORDER BY id LIMIT ?')
      .all(pid, limit)
  }
}
