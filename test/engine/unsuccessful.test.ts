import { expect, test } from 'vitest'
import {
  Process,
  ProcessError,
  ProcessExcepted,
  ProcessLost,
  ProcessUnsuccessful,
  UnsuccessfulResult,
  type ProcessSpec,
} from '../../src/index.ts'
import { overEachStore } from './over-stores.ts'

/** Emits one output, and ends as its input says. */
class Ending extends Process<typeof Ending> {
  static override define(spec: ProcessSpec) {
    return spec
      .input('how', { schema: { enum: ['exit code', 'missing', 'result', 'throws', 'well'] } })
      .output('first')
      .output('deep.second')
      .output('deep.third')
      .output('open', { required: false })
      .exitCode(310, 'ERROR_TOO_LARGE', 'above {limit}')
  }
  override run(): unknown {
    this.out('first', 1)
    switch (this.inputs.how) {
      case 'exit code':
        return this.exitCodes.ERROR_TOO_LARGE({ limit: 3 })
      case 'result':
        return new UnsuccessfulResult('no')
      case 'throws':
        throw new RangeError('not today')
      case 'missing':
        this.out('deep.third', 3)
        return 'something'
      default:
        this.outMany({ deep: { second: 2, third: 3 } })
        return undefined
    }
  }
}

/** What each unsuccessful end is reported as, and what it left. */
const unsuccessful = [
  [
    'exit code',
    { exitCode: { code: 310, label: 'ERROR_TOO_LARGE', message: 'above 3' }, missing: [] },
    { first: 1 },
    /finished without success: ERROR_TOO_LARGE \(310\): above 3$/,
  ],
  [
    'missing',
    { exitCode: undefined, missing: ['deep.second'] },
    { first: 1, deep: { third: 3 } },
    /finished without success: outputs\.deep\.second: is required, but was not given$/,
  ],
  ['result', { exitCode: undefined, missing: [] }, { first: 1 }, /finished without success$/],
] as const

/** Of a promise that has to reject, the reason. */
function reasonOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => expect.fail(`it resolved to ${JSON.stringify(value)}`),
    (error: unknown) => error,
  )
}

test.each(unsuccessful)(
  'execute() in memory rejects for a process without success (%s)',
  async (how, facts, outputs, text) => {
    const process = new Ending({ how })
    const error = await reasonOf(process.execute())
    expect(error).toBeInstanceOf(ProcessUnsuccessful)
    expect(error).toBeInstanceOf(ProcessError)
    expect(error).toMatchObject({ code: 'PROCESS_UNSUCCESSFUL', pid: process.pid, ...facts })
    expect((error as Error).message).toMatch(text)
    expect(await new Ending({ how }).execute({ raiseOnFailure: false })).toEqual(outputs)
    // These keep their rule.
    expect(process.result()).toEqual(how === 'exit code' ? outputs : how === 'missing' ? 'something' : 'no')
    expect(await process.future()).toEqual(outputs)
  },
)

test('execute() in memory resolves to what was emitted by a process that excepted, where that is asked for', async () => {
  await expect(new Ending({ how: 'throws' }).execute()).rejects.toThrow(ProcessExcepted)
  expect(await new Ending({ how: 'throws' }).execute({ raiseOnFailure: false })).toEqual({ first: 1 })
})

test.each(unsuccessful)(
  'the outputs of a child in memory reject where it had no success (%s)',
  async (how, facts, outputs) => {
    class Parent extends Process {
      override async run(): Promise<unknown> {
        const child = await this.launch(Ending, { how })
        const error = await reasonOf(child.outputs.all())
        return [error, await child.outputs.all({ raiseOnFailure: false }), (await child.outcome()).status]
      }
    }
    const parent = new Parent()
    await parent.execute()
    const [error, emitted, status] = parent.result() as [unknown, unknown, unknown]
    expect(error).toBeInstanceOf(ProcessUnsuccessful)
    expect(error).toMatchObject(facts)
    expect([emitted, status]).toEqual([outputs, 'fulfilled'])
  },
)

overEachStore((over) => {
  test.each(unsuccessful)(
    'outputs.all() and execute() reject for a process without success (%s), wherever it is asked for',
    async (how, facts, outputs, text) => {
      const engine = await over().engine([Ending])
      const handle = await engine.launch(Ending, { how })
      const client = await over().client()
      for (const asked of [handle, client.handle(Ending, handle.pid)]) {
        const error = await reasonOf(asked.outputs.all())
        expect(error).toBeInstanceOf(ProcessUnsuccessful)
        expect(error).toMatchObject({ pid: handle.pid, ...facts })
        expect((error as Error).message).toMatch(text)
        expect(await asked.outputs.all({ raiseOnFailure: false })).toEqual(outputs)
        expect(await asked.outputs.snapshot()).toEqual(outputs)
        expect((await asked.outcome()).status).toBe('fulfilled')
      }
      const error = await reasonOf(engine.execute(Ending, { how }))
      expect(error).toBeInstanceOf(ProcessUnsuccessful)
      expect(error).toMatchObject(facts)
      expect(await engine.execute(Ending, { how }, { raiseOnFailure: false })).toEqual(outputs)
    },
  )

  test('of a process that excepted or was killed there is what it emitted, where that is asked for', async () => {
    const engine = await over().engine([Ending])
    await expect(engine.execute(Ending, { how: 'throws' })).rejects.toThrow(ProcessExcepted)
    const emitted = await engine.execute(Ending, { how: 'throws' }, { raiseOnFailure: false })
    // What a step emits is saved with its command, and this one gave none.
    expect(emitted).toEqual({})
    expect(await engine.execute(Ending, { how: 'well' })).toEqual({ first: 1, deep: { second: 2, third: 3 } })
    const killed = await engine.launch(Ending, { how: 'well' }, { delay: '1h' })
    await killed.kill('enough')
    expect(await killed.outputs.all({ raiseOnFailure: false })).toEqual({})
  })

  test('of a process that is not there, outputs are lost however they are asked for', async () => {
    const client = await over().client()
    const { outputs } = client.handle('nobody')
    await expect(outputs.all()).rejects.toThrow(ProcessLost)
    await expect(outputs.all({ raiseOnFailure: false })).rejects.toThrow(ProcessLost)
  })
})
