import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { OpenWorkflow, type Worker } from 'openworkflow'
import { BackendPostgres } from 'openworkflow/postgres'
import { BackendSqlite } from 'openworkflow/sqlite'
import { STEPS, type Kind, type Launched } from './engine.ts'
import { gate } from './gate.ts'
import { resultsInOrder } from './results-in-order.ts'
import { serve } from './serve.ts'

interface Input {
  readonly input: number
}

serve(async ({ folder, database, concurrency, variant }) => {
  const backend =
    variant === 'postgres by hand'
      ? await BackendPostgres.connect(database ?? '')
      : BackendSqlite.connect(join(folder, 'openworkflow.db'))
  const client = new OpenWorkflow({ backend })
  const workflows = {
    one: client.defineWorkflow<Input, number>({ name: 'one' }, ({ input: { input }, step }) =>
      step.run({ name: 'first' }, () => input + 1),
    ),
    three: client.defineWorkflow<Input, number>({ name: 'three' }, async ({ input: { input }, step }) => {
      const first = await step.run({ name: 'first' }, () => input + 1)
      const second = await step.run({ name: 'second' }, () => first + 1)
      return step.run({ name: 'third' }, () => second + 1)
    }),
    row: client.defineWorkflow<Input, number>({ name: 'row' }, async ({ input: { input }, step }) => {
      let sum = input
      for (let i = 0; i < STEPS.row; i++) sum = await step.run({ name: `step ${i}` }, () => sum + 1)
      return sum
    }),
    gated: client.defineWorkflow<Input, number>({ name: 'gated' }, async ({ input: { input }, step }) => {
      const first = await step.run({ name: 'first' }, () => input + 1)
      const second = await step.run({ name: 'second' }, async () => {
        await gate.enter(input)
        return first + 1
      })
      return step.run({ name: 'third' }, () => second + 1)
    }),
  } as const
  const worker = client.newWorker({ concurrency })
  const read = async (id: string): Promise<number | undefined> => {
    const run = await backend.getWorkflowRun({ workflowRunId: id })
    if (run === null || ['failed', 'canceled'].includes(run.status)) throw new Error(`${id}: ${run?.status}`)
    return run.status === 'completed' ? Number(run.output) : undefined
  }
  const byHand = variant !== 'as shipped'
  const driven = byHand ? drive(worker) : undefined
  if (!byHand) await worker.start()
  const result = resultsInOrder(read, byHand ? 0 : 100)
  return {
    async launch(kind: Kind, input: number): Promise<Launched> {
      const handle = await workflows[kind].run({ input })
      const { id } = handle.workflowRun
      return { id, result: () => (byHand ? result(id) : handle.result()) }
    },
    find: (_kind: Kind, _input: number, id: string) => Promise.resolve({ id, result: () => result(id) }),
    async close() {
      await (driven === undefined ? worker.stop() : driven.stop())
      await backend.stop()
    },
  }
})

/** Lets the worker claim without a pause, rather than each 100 ms to 1 s. */
function drive(worker: Worker): { stop(): Promise<void> } {
  const stopped = new AbortController()
  const loop = (async () => {
    while (!stopped.signal.aborted) {
      await worker.tick()
      await new Promise(setImmediate)
    }
  })()
  return {
    async stop() {
      stopped.abort()
      await loop
      // Lets heartbeats of the last ones end.
      await sleep(1)
    },
  }
}
