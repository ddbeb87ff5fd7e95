import { readFileSync } from 'node:fs'
import { Absurd, type TaskContext } from 'absurd-sdk'
import { Pool } from 'pg'
import { STEPS, type Kind, type Launched } from './engine.ts'
import { gate } from './gate.ts'
import { ABSURD_SCHEMA } from './peers.ts'
import { resultsInOrder } from './results-in-order.ts'
import { serve } from './serve.ts'

interface Params {
  readonly input: number
}

const silent = () => undefined
const tasks: Readonly<Record<Kind, (params: Params, ctx: TaskContext) => Promise<number>>> = {
  one: ({ input }, ctx) => ctx.step('first', async () => input + 1),
  async three({ input }, ctx) {
    const first = await ctx.step('first', async () => input + 1)
    const second = await ctx.step('second', async () => first + 1)
    return ctx.step('third', async () => second + 1)
  },
  async row({ input }, ctx) {
    let sum = input
    for (let i = 0; i < STEPS.row; i++) sum = await ctx.step(`step ${i}`, async () => sum + 1)
    return sum
  },
  async gated({ input }, ctx) {
    const first = await ctx.step('first', async () => input + 1)
    const second = await ctx.step('second', async () => {
      await gate.enter(input)
      return first + 1
    })
    return ctx.step('third', async () => second + 1)
  },
}

serve(async ({ database, concurrency, variant }) => {
  const pool = new Pool({ connectionString: database, max: 20 })
  await install(pool)
  const app = new Absurd({
    db: pool,
    queueName: 'bench',
    log: { log: silent, info: silent, warn: silent, error: console.error },
  })
  for (const [name, task] of Object.entries(tasks)) app.registerTask({ name }, task)
  await app.createQueue()
  const tuned = variant === 'tuned'
  const worker = await app.startWorker({
    concurrency,
    ...(tuned && { pollInterval: 0.005, claimTimeout: 5, fatalOnLeaseTimeout: false }),
  })
  const read = resultsInOrder(async (id) => {
    const snapshot = await app.fetchTaskResult(id)
    return numberOf(id, snapshot ?? { state: 'failed' })
  }, 1)
  const wait = async (id: string): Promise<number> => {
    const result = numberOf(id, await app.awaitTaskResult(id))
    if (result === undefined) throw new Error(`${id} has no result`)
    return result
  }
  const result = tuned ? read : wait
  return {
    async launch(kind: Kind, input: number): Promise<Launched> {
      const { taskID: id } = await app.spawn(kind, { input })
      return { id, result: () => result(id) }
    },
    find: (_kind: Kind, _input: number, id: string) => Promise.resolve({ id, result: () => result(id) }),
    async close() {
      await worker.close()
      await pool.end()
    },
  }
})

/** The tables and functions of absurd, which npm does not bring. */
async function install(pool: Pool): Promise<void> {
  const { rows } = await pool.query("SELECT 1 FROM pg_namespace WHERE nspname = 'absurd'")
  if (rows.length > 0) return
  await pool.query(readFileSync(process.env[ABSURD_SCHEMA.variable] ?? '', 'utf8'))
}

function numberOf(
  id: string,
  snapshot: { readonly state: string; readonly result?: unknown },
): number | undefined {
  if (['failed', 'cancelled'].includes(snapshot.state)) throw new Error(`${id}: ${snapshot.state}`)
  return snapshot.state === 'completed' ? Number(snapshot.result) : undefined
}
