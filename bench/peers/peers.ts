/** A row of the table. */
export interface Peer {
  readonly name: string
  /** The program that runs it, beside this file. */
  readonly program: string
  readonly variant: string
  readonly store: 'sqlite' | 'postgres'
  /** The package whose version stands in the table. */
  readonly package: string
  /** What its package lacks, and the variable of the environment that names that file. */
  readonly file?: { readonly what: string; readonly variable: string }
  /** Whether it runs in the Node of the npm package `node`, since it needs a newer one than Damson. */
  readonly ownNode?: true
  /** The most processes that run at the same time, beside 200 in the row of killed ones. */
  readonly concurrency: number
  readonly settings: string
  /** Why the row of killed processes is not measured. */
  readonly unmeasured?: string
  /** What a process that a peer has launched, and a step that has ended, are safe from. */
  readonly guarantees: string
}

/** The tables and functions of absurd. */
export const ABSURD_SCHEMA = {
  what: 'its schema, sql/absurd.sql of its repository, is not on npm',
  variable: 'ABSURD_SCHEMA',
}

const STEP_BY_STEP = 'at least once per step; the result of each step is durable before the next one starts'

export const peers: readonly Peer[] = [
  {
    name: 'Damson',
    program: 'damson.ts',
    variant: 'default',
    store: 'sqlite',
    package: 'damson',
    concurrency: 100,
    settings: 'as shipped',
    guarantees: `${STEP_BY_STEP}; SQLite, WAL, fsync at each commit; many transitions share a commit`,
  },
  {
    name: 'Damson on Postgres',
    program: 'damson.ts',
    variant: 'default',
    store: 'postgres',
    package: 'damson',
    concurrency: 100,
    settings: 'as shipped',
    guarantees: `${STEP_BY_STEP}; Postgres, fsync at each commit; many transitions share a commit`,
  },
  {
    name: 'openworkflow',
    program: 'openworkflow.ts',
    variant: 'as shipped',
    store: 'sqlite',
    package: 'openworkflow',
    ownNode: true,
    concurrency: 100,
    settings: 'worker of 100 slots, as in its own benchmark; it polls for work and for results',
    guarantees: `${STEP_BY_STEP}; SQLite (node:sqlite), WAL, fsync at each commit; two commits per step`,
  },
  {
    name: 'openworkflow, driven by hand',
    program: 'openworkflow.ts',
    variant: 'by hand',
    store: 'sqlite',
    package: 'openworkflow',
    ownNode: true,
    concurrency: 100,
    unmeasured: 'as above',
    settings:
      'the worker’s `tick` in a loop without pauses, results read as soon as they are there; not documented',
    guarantees: 'as above',
  },
  {
    name: 'openworkflow on Postgres, driven by hand',
    program: 'openworkflow.ts',
    variant: 'postgres by hand',
    store: 'postgres',
    package: 'openworkflow',
    ownNode: true,
    concurrency: 100,
    unmeasured: 'as above',
    settings: 'as above',
    guarantees: `${STEP_BY_STEP}; Postgres, fsync at each commit; two commits per step`,
  },
  {
    name: 'DBOS',
    program: 'dbos.ts',
    variant: 'default',
    store: 'postgres',
    package: '@dbos-inc/dbos-sdk',
    concurrency: 100,
    settings: 'workflows started directly, without a queue; a pool of 20 connections',
    guarantees: `${STEP_BY_STEP}; Postgres, fsync at each commit; one commit per step`,
  },
  {
    name: 'absurd',
    program: 'absurd.ts',
    variant: 'as shipped',
    store: 'postgres',
    package: 'absurd-sdk',
    file: ABSURD_SCHEMA,
    concurrency: 100,
    unmeasured: '120,000, its lease, not waited for',
    settings: 'worker of 100 slots, a pool of 20 connections; polls each 250 ms, claims last 120 s',
    guarantees: `${STEP_BY_STEP}; Postgres, fsync at each commit; one commit per step; a crash costs an attempt of five`,
  },
  {
    name: 'absurd, tuned',
    program: 'absurd.ts',
    variant: 'tuned',
    store: 'postgres',
    package: 'absurd-sdk',
    file: ABSURD_SCHEMA,
    concurrency: 100,
    settings: 'as above, but polls each 5 ms, claims last 5 s, results are read as soon as they are there',
    guarantees: 'as above; a step that takes longer than 5 s is begun twice',
  },
  {
    name: 'Effect Workflow',
    program: 'effect.ts',
    variant: 'default',
    store: 'sqlite',
    package: '@effect/workflow',
    concurrency: 100,
    settings:
      '`SingleRunner` on `@effect/sql-sqlite-node`, `synchronous = FULL` set by hand, no simulated serialization',
    guarantees: `${STEP_BY_STEP}; SQLite, WAL, fsync at each commit`,
  },
]
