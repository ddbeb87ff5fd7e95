import { expect, test } from 'vitest'
import { Client, Process, ProcessLost, type ProcessHandle, type ProcessSpec } from '../../src/index.ts'
import type { WatchListener } from '../../src/persistence/contract/control.ts'
import type { Change } from '../../src/persistence/contract/rows.ts'
import { replaced } from '../contracts/stores.ts'
import { overEachStore } from './over-stores.ts'

/** How often a child has run. */
let rolls = 0

class Plain extends Process<typeof Plain> {
  static override define(spec: ProcessSpec) {
    return spec.input('n', { schema: { type: 'number' } }).returns({ schema: { type: 'number' } })
  }
  override run() {
    return this.inputs.n
  }
}

class Roll extends Process {
  override run() {
    return ++rolls
  }
}

class Asking extends Process {
  override async run() {
    const child = await this.launch(Roll)
    return [child.pid, await child.result()]
  }
}

class AskingLater extends Process {
  override async run() {
    const child = await this.launch(Roll)
    return this.join('child', [child])
  }
}

const PID = 'used again'

overEachStore((over) => {
  test('a pid that is used again after a prune gives the result of the new process', async () => {
    const engine = await over().engine([Plain])
    const handles = []
    for (const n of [1, 2]) {
      const handle = await engine.launch(Plain, { n }, { pid: PID })
      expect(await handle.result()).toBe(n)
      expect(await engine.handle(PID).result()).toBe(n)
      handles.push(handle)
      expect(await engine.prune({ className: 'Plain' })).toBe(1)
    }
    expect(handles[0]).not.toBe(handles[1])
    // A handle stays with its process, and knows what it knew.
    expect(await handles[0]?.result()).toBe(1)
  })

  test('refresh of a process that was pruned, by anybody, rejects with ProcessLost', async () => {
    const engine = await over().engine([Plain])
    const client = await over().client([Plain])
    const handle = await engine.launch(Plain, { n: 1 }, { pid: PID })
    await handle.result()
    expect(await handle.refresh()).toMatchObject({ label: 'finished' })
    await client.prune({ className: 'Plain' })
    await expect(handle.refresh()).rejects.toBeInstanceOf(ProcessLost)
    await over().clock.advance(1)
    const again = await client.launch(Plain, { n: 2 }, { pid: PID })
    expect(await again.result()).toBe(2)
    await expect(handle.refresh()).rejects.toBeInstanceOf(ProcessLost)
    expect(await engine.handle(PID).result()).toBe(2)
  })

  test('every method of a handle reports that there is no such process, before and after it is known', async () => {
    const engine = await over().engine([Plain])
    const client = await over().client()
    let count = 0
    for (const asked of [engine, client]) {
      for (const known of [false, true]) {
        const lost = async (): Promise<ProcessHandle> => {
          const handle = asked.handle(`nobody-${++count}`)
          if (known) await handle.refresh().catch(() => {})
          return handle
        }
        const asks: readonly ((handle: ProcessHandle) => Promise<unknown>)[] = [
          (handle) => handle.wait(),
          (handle) => handle.wait({ timeout: 0 }),
          (handle) => handle.wait({ timeout: '1h' }),
          (handle) => handle.result(),
          (handle) => handle.outputs.all(),
          (handle) => handle.outputs.all({ raiseOnFailure: false }),
          (handle) => handle.outputs.snapshot(),
          (handle) => handle.history(),
          (handle) => handle.explain(),
          (handle) => handle.retry(),
          (handle) => handle.pause(),
          (handle) => handle.play(),
          (handle) => handle.kill(),
          (handle) => handle.resume(),
          (handle) => handle.signal('approval'),
        ]
        for (const ask of asks) await expect(ask(await lost())).rejects.toBeInstanceOf(ProcessLost)
        // These give the reason as a value, as they do for every other process.
        expect(await (await lost()).outcome()).toMatchObject({ status: 'rejected' })
        expect(await (await lost()).result({ raiseOnFailure: false })).toBeInstanceOf(ProcessLost)
      }
    }
  })

  test('a process that is pruned while it is waited for is lost; an end that was read stays known', async () => {
    const engine = await over().engine([Plain])
    const client = await over().client()
    const read = await engine.launch(Plain, { n: 1 })
    expect(await read.wait()).toMatchObject({ label: 'finished' })
    const unread = client.handle(read.pid)
    await client.prune()
    await expect(unread.wait()).rejects.toBeInstanceOf(ProcessLost)
    expect(await read.wait()).toMatchObject({ label: 'finished' })
  })

  test('a handle of a pid that nobody had finds the process that gets it', async () => {
    const engine = await over().engine([Plain])
    const client = await over().client()
    const early = client.handle(PID)
    await expect(early.refresh()).rejects.toBeInstanceOf(ProcessLost)
    await (await engine.launch(Plain, { n: 3 }, { pid: PID })).wait()
    expect(await early.refresh()).toMatchObject({ label: 'finished' })
    expect(await client.handle(PID).result()).toBe(3)
  })

  test('a handle stays the one of its pid where the creation is heard of after the end was read', async () => {
    const { store, clock } = over()
    const held: Change[] = []
    let hear: WatchListener = () => {}
    const deaf = replaced(store, {
      watch: (listener) => {
        hear = listener
        return store.watch((changes) => held.push(...changes))
      },
    })
    const client = await Client.open({ store: deaf, clock })
    const other = await over().client()
    const waiting = (await client.launch('Nobody', {})).wait().catch(() => {})
    const handle = client.handle(PID)
    const same = await other.launch('Nobody', {}, { pid: PID })
    await clock.advance(5)
    await same.kill()
    expect(await handle.refresh()).toMatchObject({ label: 'killed' })
    hear(held, false)
    expect(held.filter(({ pid }) => pid === PID)).toMatchObject([{ name: 'created' }, { name: 'killed' }])
    expect(client.handle(PID)).toBe(handle)
    await client.close()
    await waiting
  })

  test.each([
    ['asks at once', Asking],
    ['joins', AskingLater],
  ])('a parent that %s launches its child anew where that of a pruned one is left', async (_how, Parent) => {
    rolls = 0
    const engine = await over().engine([Parent, Roll])
    const results = []
    for (let time = 0; time < 3; time++) {
      const parent = await engine.launch(Parent, {}, { pid: PID })
      await parent.result()
      const children = (await over().store.list({ parent: PID })).rows
      expect(children).toHaveLength(1)
      results.push(await engine.handle(children[0]?.pid as string).result())
      await engine.prune({ className: Parent.name })
      expect((await over().store.read(children[0]?.pid as string))?.parent).toBeNull()
    }
    expect(results).toEqual([1, 2, 3])
  })

  test('a child that was pruned with its parent is launched anew', async () => {
    rolls = 0
    const engine = await over().engine([AskingLater, Roll])
    for (const roll of [1, 2]) {
      const parent = await engine.launch(AskingLater, {}, { pid: PID })
      expect(await parent.result()).toEqual([roll])
      expect(await engine.prune()).toBe(2)
    }
  })
})
