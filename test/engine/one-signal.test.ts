import { expect, onTestFinished, test } from 'vitest'
import { Engine, MemoryStore, Process, type ProcessHandle } from '../../src/index.ts'
import { Approval } from './processes.ts'

const MANY = 25

/** The warnings of the program while the test runs. */
function warnings(): string[] {
  const warned: string[] = []
  const note = ({ name, message }: Error): void => void warned.push(`${name}: ${message}`)
  process.on('warning', note)
  onTestFinished(() => void process.off('warning', note))
  return warned
}

/** A program emits its warnings after the code that causes them. */
const afterTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

class Idle extends Process {
  override async run(): Promise<void> {
    await this.receive('never', { timeout: '1h' })
  }
}

/** Launches many children with one signal, waits for them with it, and then aborts it. */
class Starter extends Process {
  override async run(): Promise<readonly string[]> {
    const aborter = new AbortController()
    const { signal } = aborter
    const children = await Promise.all(
      Array.from({ length: MANY }, () => this.launch(Approval, {}, { signal })),
    )
    for (const child of children) child.wait({ signal }).catch(() => {})
    for (const child of children) child.onDone(() => {}, { signal })
    await afterTurn()
    aborter.abort('enough')
    const states = await Promise.all(children.map((child) => child.wait()))
    return states.map((state) => state?.label ?? 'unknown')
  }
}

test('many launches and waits with one signal cause no warning, and all of them hear of its abort', async () => {
  const warned = warnings()
  const engine = await Engine.open({
    store: ':memory:',
    processes: [Approval, Starter],
    handleSignals: false,
  })
  onTestFinished(() => engine.close())
  const aborter = new AbortController()
  const { signal } = aborter
  const handles = await Promise.all(
    Array.from({ length: MANY }, () => engine.launch(Approval, {}, { signal })),
  )
  const waits = handles.map((handle) => handle.wait({ signal }))
  const called: ProcessHandle[] = []
  for (const handle of handles) handle.onDone((done) => called.push(done), { signal })
  const taken = handles[0]?.wait({ signal, timeout: 1 })
  expect(await taken).toBeNull()
  await afterTurn()
  aborter.abort('enough')
  expect((await Promise.allSettled(waits)).map(({ status }) => status)).toEqual(Array(MANY).fill('rejected'))
  const ends = await Promise.all(handles.map((handle) => handle.wait()))
  expect(ends.map((state) => `${state?.label}: ${state?.message}`)).toEqual(
    Array(MANY).fill('killed: enough'),
  )
  expect(await (await engine.launch(Starter)).result()).toEqual(Array(MANY).fill('killed'))
  await afterTurn()
  expect(called).toEqual([])
  expect(warned).toEqual([])
})

test('many children in memory with one signal cause no warning', async () => {
  const warned = warnings()
  const starter = new Starter()
  await starter.execute()
  expect(starter.result()).toEqual(Array(MANY).fill('killed'))
  await afterTurn()
  expect(warned).toEqual([])
})

test('many engines in one program cause no warning', async () => {
  const warned = warnings()
  const store = new MemoryStore()
  const engines = await Promise.all(
    Array.from({ length: MANY }, () => Engine.open({ store, processes: [Idle] })),
  )
  for (const engine of engines) await engine.close()
  await afterTurn()
  expect(warned).toEqual([])
})
