import { beforeEach, describe, expect, test } from 'vitest'
import { Process, type ProcessHandle, type ProcessSpec } from '../../src/index.ts'
import { overEachStore } from './over-stores.ts'
import { gate } from './processes.ts'

/** What ran, in its order. */
let ran: string[] = []

class Named extends Process<typeof Named> {
  static override define(spec: ProcessSpec) {
    return spec.input('name', { schema: { type: 'string' } })
  }
  override run() {
    ran.push(this.inputs.name)
  }
}

class Another extends Named {}

/** Has a hook before its first transition is committed, so that it is begun under a claim. */
class Hooked extends Named {
  protected override onRun(): void {}
}

/** Holds a slot until its gate is opened. */
class Holding extends Process {
  override async run(): Promise<void> {
    await gate('holding').pass()
  }
}

const CLASSES = [Named, Another, Hooked, Holding]

overEachStore((over) => {
  describe('what has waited longest starts first', () => {
    beforeEach(() => {
      ran = []
    })

    const ended = async (handles: readonly ProcessHandle[]): Promise<void> => {
      for (const handle of handles) await handle.wait()
    }

    /** An engine whose slots are taken until the gate is opened. */
    const full = async (concurrency = 1) => {
      const engine = await over().engine(CLASSES, { concurrency })
      for (let slot = 0; slot < concurrency; slot++) await engine.launch(Holding)
      await gate('holding').reached
      return engine
    }

    test('before the launches of an engine that is opened later', async () => {
      const client = await over().client(CLASSES)
      const names = Array.from({ length: 5 }, (_, index) => `old ${index}`)
      for (const name of names) await client.launch(Named, { name })
      await over().clock.advance(1)
      const engine = await over().engine(CLASSES, { concurrency: 1 })
      const handles = []
      for (let index = 0; index < 10; index++) {
        const name = `new ${index}`
        names.push(name)
        handles.push(await engine.launch(Named, { name }))
      }
      await ended(handles)
      expect(ran).toEqual(names)
    })

    test('whoever launched it, and of whatever class it is', async () => {
      const engine = await full()
      const client = await over().client(CLASSES)
      const handles = []
      const names = []
      for (let index = 0; index < 12; index++) {
        const launcher = index % 3 === 1 ? client : engine
        const launched = index % 4 < 2 ? Named : Another
        names.push(`process ${index}`)
        handles.push(await launcher.launch(launched, { name: `process ${index}` }))
        if (index % 5 === 4) await over().clock.advance(1)
      }
      gate('holding').open()
      await ended(handles)
      expect(ran).toEqual(names)
    })

    test('also one that is begun under a claim, since it has hooks', async () => {
      const engine = await full()
      const handles = []
      for (const [name, launched] of [
        ['first', Named],
        ['second', Hooked],
        ['third', Named],
      ] as const)
        handles.push(await engine.launch(launched, { name }))
      gate('holding').open()
      await ended(handles)
      expect(ran).toEqual(['first', 'second', 'third'])
    })

    test('after the engine that had launched some of it was closed', async () => {
      const engine = await full(2)
      const client = await over().client(CLASSES)
      const names = []
      for (let index = 0; index < 8; index++) {
        names.push(`process ${index}`)
        const launched = index % 2 === 0 ? Another : Named
        await (index % 3 === 0 ? engine : client).launch(launched, { name: `process ${index}` })
      }
      const closing = engine.close({ drain: '1s' })
      gate('holding').open()
      await closing
      expect(ran).toEqual([])
      const next = await over().engine(CLASSES, { concurrency: 1 })
      const last = await next.launch(Named, { name: 'last' })
      await last.wait()
      expect(ran).toEqual([...names, 'last'])
    })

    test('a launch is begun at once where each that waits has a slot', async () => {
      const engine = await over().engine(CLASSES, { concurrency: 3 })
      const handles = [await engine.launch(Holding), await engine.launch(Named, { name: 'one' })]
      await gate('holding').reached
      expect(ran).toEqual(['one'])
      gate('holding').open()
      await ended(handles)
    })
  })
})
