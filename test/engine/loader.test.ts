import { expect, test } from 'vitest'
import {
  Engine,
  Process,
  SpecError,
  UnknownProcessClass,
  WorkChain,
  type AnyProcessClass,
  type Loader,
} from '../../src/index.ts'
import { overEachStore, untilRow } from './over-stores.ts'

class Near extends Process {
  override run(): string {
    return 'near'
  }
}
class Far extends Process {
  override run(): string {
    return 'far'
  }
}

/** Knows one class more than the engine, and notes what it was asked for. */
function loaderOf(
  ...classes: readonly (typeof Near)[]
): Loader<AnyProcessClass> & { readonly asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    identify: (processClass) => (processClass as typeof Near).processName,
    load(name) {
      asked.push(name)
      const found = classes.find((one) => one.processName === name)
      if (found === undefined) throw new UnknownProcessClass(`there is no class ${name}`)
      return found
    },
  }
}

overEachStore((over) => {
  test('an engine runs what its loader finds, and leaves to others what that does not know (C9)', async () => {
    const client = await over().client()
    const [near, far, strange] = await Promise.all(
      ['Near', 'Far', 'Strange'].map((name) => client.launch(name)),
    )
    const loader = loaderOf(Far)
    const engine = await over().engine([Near], { loader })
    expect(await near?.result()).toBe('near')
    expect(await far?.result()).toBe('far')
    expect(await engine.explain(strange?.pid ?? '')).toMatch(/no running engine has class Strange/)
    expect((await engine.store.classes()).map(({ name }) => name)).toEqual(['Far', 'Near'])

    // It is asked once for what it does not know.
    await over().clock.advance('5s')
    expect(loader.asked.toSorted()).toEqual(['Far', 'Strange'])
  })

  test('a class is found by its loader when it is launched by its name', async () => {
    const engine = await over().engine([], { loader: loaderOf(Far) })
    expect(await (await engine.launch('Far')).result()).toBe('far')
  })

  test('what is launched elsewhere, of a class that only the loader knows, is found at the next look', async () => {
    const client = await over().client()
    await over().engine([], { loader: loaderOf(Far) })
    const { pid } = await client.launch('Far')
    const ended = untilRow(over().store, pid, ({ state }) => state === 'finished')
    await over().clock.advance('1s')
    expect(await ended).toMatchObject({ className: 'Far', successful: true })
  })

  test('a loader that gives a class of another name is refused', async () => {
    const loader: Loader<AnyProcessClass> = { identify: () => 'Far', load: () => Near }
    const engine = await over().engine([], { loader })
    await expect(engine.launch('Far')).rejects.toThrow(/was asked for the process class Far and gave Near/)
  })
})

test('a class that could not run is refused when the engine is opened, not when it is launched', async () => {
  class Empty extends WorkChain {}
  await expect(Engine.open({ store: ':memory:', processes: [Empty], handleSignals: false })).rejects.toThrow(
    SpecError,
  )
})
