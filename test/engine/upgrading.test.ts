import { expect, test } from 'vitest'
import { Process, Wait, type SavedForm } from '../../src/index.ts'
import { overEachStore, untilRow } from './over-stores.ts'

/** Waits for two resumes; as it was released first. */
class Names extends Process {
  static override readonly processName: string = 'Names'
  declare ctx: { names: unknown }

  override run(): Wait {
    this.ctx.names = ['a']
    return new Wait(this.again)
  }
  again(): Wait {
    return new Wait(this.end)
  }
  end(): unknown {
    return this.ctx.names
  }
}

/** Keeps the number of its names beside them, and can be lifted only once. */
class CountedNames extends Names {
  static override readonly processName = 'Names'
  static override readonly version = 2
  static override upgrade(form: SavedForm): void {
    form.ctx['names'] = { names: form.ctx['names'], count: (form.ctx['names'] as string[]).length }
    form.version = 2
  }
}

overEachStore((over) => {
  test('a process that is lifted to a newer version is saved in that version, and not lifted again when it is loaded the next time', async () => {
    const old = await over().engine([Names])
    const handle = await old.launch(Names)
    await untilRow(over().store, handle.pid, ({ state }) => state === 'waiting')
    await old.close()

    const engine = await over().engine([CountedNames])
    expect((await engine.store.read(handle.pid))?.version).toBe(1)
    const again = engine.handle(handle.pid)
    await again.resume()
    await untilRow(over().store, handle.pid, ({ version, state }) => version === 2 && state === 'waiting')
    await again.resume()
    expect(await again.result()).toEqual({ names: ['a'], count: 1 })
    expect((await engine.store.load(handle.pid))?.bundle().head.version).toBe(2)
  })
})
