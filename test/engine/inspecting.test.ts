import { inspect } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Continue, Process, ProcessLost, ProcessState, Wait, type ProcessSpec } from '../../src/index.ts'
import { SimulatedClock, TestBench } from '../../src/testing/index.ts'
import { Family, Order, Relax, Word } from '../cli/processes.ts'

let bench: TestBench
beforeEach(async () => {
  bench = await TestBench.open({ clock: new SimulatedClock(), processes: [Family, Order, Relax, Word] })
})
afterEach(() => bench.close())

test('Node shows a handle by its class, its pid and its state', async () => {
  const handle = await bench.launch(Word)
  await bench.untilWaiting(handle)
  const { pid } = handle
  await handle.pause('lunch')
  expect(inspect(handle)).toBe(`ProcessHandle { Word ${pid}: waiting, paused }`)
  await handle.play()
  expect(inspect([handle])).toContain(`ProcessHandle { Word ${pid}: waiting (signal) }`)
  expect(inspect(bench.client.handle('unread'))).toBe('ProcessHandle { unread: created }')
})

test('a client finds one process as its lists show it', async () => {
  const handle = await bench.launch(Word, {}, { label: 'first' })
  await bench.untilWaiting(handle)
  const { processes } = await bench.client.list()
  expect(await bench.client.find(handle.pid)).toEqual(processes[0])
  expect(await bench.client.find('nobody')).toBeUndefined()
})

test('a client counts the processes of each state', async () => {
  const handle = await bench.launch(Family, { children: 3 })
  await bench.untilWaiting(handle)
  const none = Object.fromEntries(Object.values(ProcessState).map((state) => [state, 0]))
  expect(await bench.client.count()).toEqual({ ...none, waiting: 4 })
  expect(await bench.client.count({ parent: handle.pid })).toEqual({ ...none, waiting: 3 })
})

test('the details of a process have its step, its attempts, its record and its inputs', async () => {
  const handle = await bench.launch(Relax, { hopeless: true })
  await bench.untilWaiting(handle)
  expect(await bench.client.inspect(handle.pid)).toMatchObject({
    pid: handle.pid,
    name: 'Relax',
    state: { label: 'waiting', reason: 'retry' },
    step: '2.while(isNotConverged)#2.relax',
    attempt: 2,
    attempts: 2,
    endedIn: null,
    recorded: [{ kind: 'effect', name: 'reserve' }],
    values: { inputs: { hopeless: true }, outputs: {} },
    saved: { inputs: { hopeless: true } },
    unreadable: {},
  })
  await bench.advance('1h')
  await bench.untilWaiting(handle)
  const ended = await bench.client.inspect(handle.pid)
  expect(ended).toMatchObject({
    endedIn: '2.while(isNotConverged)#2.relax',
    message: 'no memory',
    values: { error: expect.objectContaining({ message: 'no memory' }) },
    saved: { error: { $: 'Error', message: 'no memory' } },
  })
})

test('the details of a process have what it waits for and what is kept for it', async () => {
  const order = await bench.launch(Order)
  await bench.untilWaiting(order)
  await order.signal('note', 'in a hurry')
  await order.pause('lunch')
  expect(await bench.client.inspect(order.pid)).toMatchObject({
    kept: [{ by: 'signal', name: 'note' }],
    paused: { message: 'lunch' },
    killRequested: null,
  })
  const family = await bench.launch(Family, { children: 3 })
  await bench.untilWaiting(family)
  const { awaited, children } = await bench.client.inspect(family.pid)
  expect(awaited).toHaveLength(2)
  expect(children).toMatchObject({ waiting: 3 })
})

test('there are no details of a process that is not in the store', async () => {
  await expect(bench.client.inspect('nobody')).rejects.toThrow(ProcessLost)
})

/** Passes arguments on, and waits with data. */
class Delivery extends Process<typeof Delivery> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('late', { schema: { type: 'boolean' }, default: false })
  }
  override run(): Continue {
    return new Continue('ship', 7, new Map([['to', 'Cologne']]))
  }
  async ship(): Promise<Wait> {
    if (this.inputs.late) await this.sleep('the night', '8h')
    return new Wait(undefined, { data: { since: new Date(0) } })
  }
}

test('the details of a process have the arguments of its step, the data of its wait and its context', async () => {
  await bench.restart({ processes: [Delivery, Relax] })
  const late = await bench.launch(Delivery, { late: true })
  await bench.untilWaiting(late)
  const args = [7, new Map([['to', 'Cologne']])]
  expect((await bench.client.inspect(late.pid)).values).toEqual({
    inputs: { late: true },
    args,
    outputs: {},
  })
  expect((await bench.client.inspect(late.pid)).saved.args).toEqual([
    7,
    { $: 'Map', entries: [['to', 'Cologne']] },
  ])
  const waits = await bench.launch(Delivery, {})
  await bench.untilWaiting(waits)
  expect((await bench.client.inspect(waits.pid)).values.data).toEqual({ since: new Date(0) })
  await waits.kill()
  const { values, endedIn } = await bench.client.inspect(waits.pid)
  expect({ data: values.data, endedIn }).toEqual({ data: { since: new Date(0) }, endedIn: null })
  const relax = await bench.launch(Relax, { hopeless: true })
  await bench.untilWaiting(relax)
  expect((await bench.client.inspect(relax.pid)).values.ctx).toEqual({ round: 1 })
})

test('a thrown value that is no error has a message in JSON, and its own text where it has one', async () => {
  const thrown: unknown[] = [
    { code: 7 },
    [1, 'a'],
    Object.create(null),
    new URL('https://example.org/'),
    'text',
  ]
  class Thrower extends Process<typeof Thrower> {
    static override define(spec: ProcessSpec) {
      super.define(spec)
      return spec.input('n', { schema: { type: 'integer' } })
    }
    override run(): void {
      throw thrown[this.inputs.n]
    }
  }
  await bench.restart({ processes: [Thrower] })
  const messages: unknown[] = []
  for (const n of thrown.keys()) {
    const handle = await bench.launch(Thrower, { n })
    await bench.untilWaiting(handle)
    messages.push((await handle.refresh()).message)
  }
  expect(messages).toEqual(['{"code":7}', '[1,"a"]', '{}', 'https://example.org/', 'text'])
})
