import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { Continue, Process, Stop, Wait, type ProcessSpec } from 'damson'
import { Vector, vectorType } from '../bundle/vector.ts'
import { Latch } from '../process/helpers.ts'
import { overEachStore, untilWaiting } from './over-stores.ts'

let latch: Latch

/** Gives what it holds once the caller has had its time to change that. */
class Holds extends Process {
  static override define(spec: ProcessSpec): void {
    spec
      .input('given')
      .input('filled', { default: new Date(0) })
      .signal('go')
    spec.output('early', { required: false })
  }
  override async run(): Promise<unknown> {
    await latch.opened
    return new Continue(this.ends)
  }
  ends(): unknown {
    const { given, filled } = this.inputs as { given: unknown; filled: Date }
    const seen = [given, filled.getTime()]
    filled.setTime(7)
    return seen
  }
}

/** Keeps what it gave to its next step, its output and its result, and changes it. */
class Shares extends Process {
  static override define(spec: ProcessSpec): void {
    spec.output('list').output('ns.map', { required: false })
  }
  override async run(): Promise<unknown> {
    const list = [1]
    const map = new Map([['a', 1]])
    this.out('list', list)
    this.out('ns.map', map)
    const next = new Continue(this.ends, list, map, Buffer.from('one'))
    void this.callLater(() => {
      list.push(2)
      map.set('b', 2)
    })
    return next
  }
  async callLater(change: () => void): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    change()
  }
  async ends(list: unknown, map: unknown, bytes: unknown): Promise<unknown> {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    return { list, map, bytes: String(bytes), outputs: structuredClone(this.outputs) }
  }
}

/** Emits an output within another one, and then that one. */
class EmitsAnew extends Process {
  static override define(spec: ProcessSpec): void {
    spec.input('fails', { default: false }).signal('go').outputs.dynamic = true
  }
  override run(): unknown {
    this.out('job.log', 'begun')
    return new Wait(this.ends)
  }
  ends(): unknown {
    this.out('job', { code: 0 })
    return new Continue(this.reports)
  }
  reports(): unknown {
    const seen = structuredClone(this.outputs)
    return new Stop(seen, { successful: !(this.inputs as { fails: boolean }).fails })
  }
}

class Receives extends Process {
  static override define(spec: ProcessSpec): void {
    spec.signal('go')
  }
  override async run(): Promise<unknown> {
    return this.receive('go')
  }
}

class Parent extends Process {
  override async run(): Promise<unknown> {
    const given = { list: [1], bytes: Buffer.from('one') }
    const child = this.launch(Holds, { given })
    given.list.push(2)
    given.bytes.write('two')
    latch.open()
    return ((await (await child).result()) as unknown[])[0]
  }
}

const values: Readonly<Record<string, () => { value: unknown; change: () => void; same: unknown }>> = {
  bytes: () => {
    const value = Buffer.from('one')
    return { value, change: () => void value.write('two'), same: Buffer.from('one') }
  },
  'a map': () => {
    const value = new Map<string, unknown>([['a', { n: [1] }]])
    return { value, change: () => value.clear(), same: new Map([['a', { n: [1] }]]) }
  },
  'a set': () => {
    const value = new Set([1])
    return { value, change: () => value.add(2), same: new Set([1]) }
  },
  'a date': () => {
    const value = new Date(5)
    return { value, change: () => value.setTime(6), same: new Date(5) }
  },
  'a list': () => {
    const value = [new Date(5)]
    const change = (): void => void value.push(new Date(6))
    return { value, change, same: [new Date(5)] }
  },
  'a value of a registered type': () => {
    const value = new Vector([1], 2)
    return { value, change: () => (value.x as number[]).push(2), same: new Vector([1], 2) }
  },
  'a map of another realm': () => {
    const value = runInNewContext('new Map([[1, new Date(5)]])') as Map<unknown, unknown>
    return { value, change: () => value.clear(), same: new Map([[1, new Date(5)]]) }
  },
}

overEachStore((over) => {
  test.each(Object.keys(values))('an input that is %s is what it was at the launch', async (kind) => {
    latch = new Latch()
    const engine = await over().engine([Holds], { types: [vectorType], concurrency: 1 })
    const { value, change, same } = (values[kind] as (typeof values)[string])()
    const handle = await engine.launch(Holds, { given: value })
    // What has to wait for its turn is held in memory too.
    const other = await engine.launch(Holds, { given: value })
    change()
    latch.open()
    expect(await handle.result()).toEqual([same, 0])
    // Nor does a process see what another one has done to a default.
    expect(await other.result()).toEqual([same, 0])
  })

  test('arguments of the next step and outputs are as they were when the step ended', async () => {
    const engine = await over().engine([Shares])
    const expected = {
      list: [1],
      map: new Map([['a', 1]]),
      bytes: 'one',
      outputs: { list: [1], ns: { map: new Map([['a', 1]]) } },
    }
    expect(await (await engine.launch(Shares)).result()).toEqual(expected)
    const process = new Shares()
    await process.execute()
    expect(process.result()).toEqual(expected)
  })

  test('a signal has the payload of the call', async () => {
    const engine = await over().engine([Receives])
    const handle = await engine.launch(Receives)
    await untilWaiting(over().store, handle.pid).catch(() => {})
    const payload = { list: [1], when: new Date(5) }
    const sent = handle.signal('go', payload)
    payload.list.push(2)
    payload.when.setTime(6)
    await sent
    expect(await handle.result()).toEqual({ list: [1], when: new Date(5) })
  })

  test('a child and a launch by name have the inputs of the call', async () => {
    latch = new Latch()
    const engine = await over().engine([Holds, Parent])
    expect(await (await engine.launch(Parent)).result()).toEqual({ list: [1], bytes: Buffer.from('one') })
    const client = await over().client()
    const given = [1]
    const launched = client.launch('Holds', { given })
    given.push(2)
    expect(await (await launched).result()).toEqual([[1], 0])
  })

  test('each reader of a result has its own', async () => {
    latch = new Latch()
    latch.open()
    const engine = await over().engine([Holds])
    const handle = await engine.launch(Holds, { given: { list: [1] } })
    const [one, two] = (await Promise.all([handle.result(), handle.result()])) as [unknown[], unknown[]]
    expect(one).toEqual([{ list: [1] }, 0])
    one.push('changed')
    ;(one[0] as { list: unknown[] }).list.push('changed')
    expect(two).toEqual([{ list: [1] }, 0])
    expect(await handle.result()).toEqual([{ list: [1] }, 0])
    expect(await handle.outcome()).toMatchObject({ value: [{ list: [1] }, 0] })
  })

  test('an output that is emitted replaces what was emitted within it', async () => {
    const engine = await over().engine([EmitsAnew])
    for (const fails of [false, true]) {
      const handle = await engine.launch(EmitsAnew, { fails })
      await untilWaiting(over().store, handle.pid)
      await handle.resume()
      expect(await handle.result()).toEqual({ job: { code: 0 } })
      expect(await handle.outputs.snapshot()).toEqual({ job: { code: 0 } })
    }
  })
})
