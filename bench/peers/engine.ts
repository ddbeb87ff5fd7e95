/**
 * What each peer has to run. `one` adds 1 to its input in one step. `three` adds 3 in three steps. `row` adds
 * 100 in a hundred steps, one after the other. `gated` adds 3 in three steps, and its second step stands at the
 * gate (gate.ts).
 */
export type Kind = 'one' | 'three' | 'row' | 'gated'

/** How much each kind adds, which is also how many steps it has. */
export const STEPS = { one: 1, three: 3, row: 100, gated: 3 } as const

/** Where and how a peer opens its engine. */
export interface Place {
  /** An empty folder, or that of an engine that was killed. */
  readonly folder: string
  /** The URL of a database in Postgres that is empty, or that of an engine that was killed. */
  readonly database: string | undefined
  /** How many processes may run at the same time, where an engine limits that. */
  readonly concurrency: number
  /** One of the variants of the peer (peers.ts). */
  readonly variant: string
}

export interface Launched {
  readonly id: string
  result(): Promise<number>
}

/** An engine of a peer, in the program that measures it. */
export interface Engine {
  /** Resolves once the process is durable, as far as the peer reports that. */
  launch(kind: Kind, input: number): Promise<Launched>
  /** A process that an earlier program launched. */
  find(kind: Kind, input: number, id: string): Promise<Launched>
  close(): Promise<void>
}
