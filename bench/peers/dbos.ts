import { DBOS, type WorkflowHandle } from '@dbos-inc/dbos-sdk'
import { STEPS, type Kind, type Launched } from './engine.ts'
import { gate } from './gate.ts'
import { serve } from './serve.ts'

const workflows = {
  one: DBOS.registerWorkflow((input: number) => DBOS.runStep(async () => input + 1, { name: 'first' }), {
    name: 'one',
  }),
  three: DBOS.registerWorkflow(
    async (input: number) => {
      const first = await DBOS.runStep(async () => input + 1, { name: 'first' })
      const second = await DBOS.runStep(async () => first + 1, { name: 'second' })
      return DBOS.runStep(async () => second + 1, { name: 'third' })
    },
    { name: 'three' },
  ),
  row: DBOS.registerWorkflow(
    async (input: number) => {
      let sum = input
      for (let i = 0; i < STEPS.row; i++) sum = await DBOS.runStep(async () => sum + 1, { name: `step ${i}` })
      return sum
    },
    { name: 'row' },
  ),
  gated: DBOS.registerWorkflow(
    async (input: number) => {
      const first = await DBOS.runStep(async () => input + 1, { name: 'first' })
      const second = await DBOS.runStep(
        async () => {
          await gate.enter(input)
          return first + 1
        },
        { name: 'second' },
      )
      return DBOS.runStep(async () => second + 1, { name: 'third' })
    },
    { name: 'gated' },
  ),
} as const

serve(async ({ database }) => {
  DBOS.setConfig({
    name: 'bench',
    systemDatabaseUrl: database ?? '',
    systemDatabasePoolSize: 20,
    logLevel: 'error',
    // The program that continues must count as the one that was killed.
    applicationVersion: '1',
    executorID: 'bench',
  })
  await DBOS.launch()
  return {
    launch: async (kind: Kind, input: number) => launched(await DBOS.startWorkflow(workflows[kind])(input)),
    find: async (_kind: Kind, _input: number, id: string) => launched(DBOS.retrieveWorkflow<number>(id)),
    close: () => DBOS.shutdown(),
  }
})

function launched(handle: WorkflowHandle<number>): Launched {
  return { id: handle.workflowID, result: () => handle.getResult() }
}
