import { join } from 'node:path'
import { ClusterWorkflowEngine, SingleRunner } from '@effect/cluster'
import { SqlClient } from '@effect/sql'
import { SqliteClient } from '@effect/sql-sqlite-node'
import { Activity, Workflow } from '@effect/workflow'
import { Effect, Layer, Logger, LogLevel, ManagedRuntime, Schema } from 'effect'
import { STEPS, type Kind, type Launched } from './engine.ts'
import { gate } from './gate.ts'
import { serve } from './serve.ts'

const workflow = (name: Kind) =>
  Workflow.make({
    name,
    payload: { input: Schema.Number },
    success: Schema.Number,
    idempotencyKey: ({ input }) => String(input),
  })
const workflows = {
  one: workflow('one'),
  three: workflow('three'),
  row: workflow('row'),
  gated: workflow('gated'),
} as const

/** A step. */
const activity = (name: string, execute: () => number | Promise<number>) =>
  Activity.make({ name, success: Schema.Number, execute: Effect.promise(async () => execute()) })

const implementations = Layer.mergeAll(
  workflows.one.toLayer(({ input }) => activity('first', () => input + 1)),
  workflows.three.toLayer(({ input }) =>
    Effect.gen(function* () {
      const first = yield* activity('first', () => input + 1)
      const second = yield* activity('second', () => first + 1)
      return yield* activity('third', () => second + 1)
    }),
  ),
  workflows.row.toLayer(({ input }) =>
    Effect.gen(function* () {
      let sum = input
      for (let i = 0; i < STEPS.row; i++) sum = yield* activity(`step ${i}`, () => sum + 1)
      return sum
    }),
  ),
  workflows.gated.toLayer(({ input }) =>
    Effect.gen(function* () {
      const first = yield* activity('first', () => input + 1)
      const second = yield* activity('second', async () => {
        await gate.enter(input)
        return first + 1
      })
      return yield* activity('third', () => second + 1)
    }),
  ),
)

serve(async ({ folder }) => {
  // better-sqlite3 opens files in WAL mode with `synchronous = NORMAL`, which does not sync at each commit.
  const sync = Layer.effectDiscard(
    Effect.flatMap(SqlClient.SqlClient, (sql) => sql.unsafe('PRAGMA synchronous = FULL')),
  )
  const layer = implementations.pipe(
    Layer.provideMerge(ClusterWorkflowEngine.layer),
    Layer.provideMerge(
      SingleRunner.layer({
        runnerStorage: 'memory',
        shardingConfig: { simulateRemoteSerialization: false, entityReplyPollInterval: 20 },
      }),
    ),
    Layer.provideMerge(sync),
    Layer.provideMerge(SqliteClient.layer({ filename: join(folder, 'effect.db') })),
    Layer.provide(Logger.minimumLogLevel(LogLevel.Warning)),
  )
  const runtime = ManagedRuntime.make(layer)
  await runtime.runPromise(Effect.void)
  // A second call with the same input joins the first one: it is found by its idempotency key.
  const execute = (kind: Kind, input: number): Promise<Launched> => {
    const result = runtime.runPromise(workflows[kind].execute({ input }))
    result.catch(() => undefined)
    return Promise.resolve({ id: `${kind} ${input}`, result: () => result })
  }
  return { launch: execute, find: execute, close: () => runtime.dispose() }
})
