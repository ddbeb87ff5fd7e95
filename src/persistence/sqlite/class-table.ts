import type { ClassRow } from '../contract/engines.ts'
import type { Connection } from './connection.ts'

const ALL = 'SELECT name, version, inputs, deadline_after AS deadlineAfter, signals FROM class ORDER BY name'
const PUT = `INSERT INTO class (name, version, inputs, deadline_after, signals) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (name) DO UPDATE SET version = excluded.version, inputs = excluded.inputs,
    deadline_after = excluded.deadline_after, signals = excluded.signals
  WHERE excluded.version >= version`

/** The schemas of the classes, for launches and signals by name. */
export class ClassTable {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  all(): ClassRow[] {
    return this.#connection.sql<ClassRow>(ALL).all()
  }

  /** The classes whose version the file does not have, or has with other schemas. */
  newsOf(classes: readonly ClassRow[]): readonly ClassRow[] {
    const known = new Map(this.all().map((described) => [described.name, described]))
    return classes.filter(({ name, version, inputs, deadlineAfter, signals }) => {
      const before = known.get(name)
      if (before === undefined || before.version < version) return true
      const isSame =
        before.inputs === inputs && before.deadlineAfter === deadlineAfter && before.signals === signals
      return before.version === version && !isSame
    })
  }

  put(classes: readonly ClassRow[]): void {
    for (const { name, version, inputs, deadlineAfter, signals } of classes)
      this.#connection.sql(PUT).run(name, version, inputs, deadlineAfter, signals)
  }
}
