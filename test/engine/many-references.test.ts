import { expect, test } from 'vitest'
import { Process, UpstreamFailed, type ProcessHandle, type ProcessSpec, type Store } from '../../src/index.ts'
import { extent, HAS_MORE, share } from '../run/extent.ts'
import { overEachStore } from './over-stores.ts'

class Adds extends Process<typeof Adds> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('numbers', {}).returns({ schema: { type: 'number' } })
  }
  override run(): number {
    const numbers = this.inputs.numbers as readonly number[]
    if (numbers[0] === -1) throw new Error('negative')
    return numbers.reduce((sum, one) => sum + one, 0)
  }
}

/** The store, and how often it was read from. */
function counted(store: Store): { readonly store: Store; readonly reads: Map<string, number> } {
  const reads = new Map<string, number>()
  const proxy = new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      if (['read', 'load', 'readAll', 'loadAll'].includes(name as string)) {
        return (...args: unknown[]) => {
          reads.set(name as string, (reads.get(name as string) ?? 0) + 1)
          return (member as (...given: unknown[]) => unknown).apply(target, args)
        }
      }
      return member.bind(target) as unknown
    },
  })
  return { store: proxy, reads }
}

const TIME = { ...HAS_MORE, timeout: 240_000 }

overEachStore((over) => {
  test('a process that takes the result of another one reads that process once', async () => {
    const { store, reads } = counted(over().store)
    const engine = await over().engine([Adds], { store })
    const first = await engine.launch(Adds, { numbers: [1] })
    await first.wait()
    reads.clear()
    expect(await (await engine.launch(Adds, { numbers: [first, first.outputs.ref(0)] })).result()).toBe(2)
    expect(reads.get('loadAll')).toBe(1)
    expect(reads.has('readAll')).toBe(false)
  })

  test.skipIf(extent === 'some')(
    'a chain of a thousand references ends, and a failure goes through all of it',
    TIME,
    async () => {
      const length = share(200, 1_000) / over().slowness
      const engine = await over().engine([Adds])
      const lastOf = async (start: number): Promise<ProcessHandle<number>> => {
        let last: ProcessHandle<number> = await engine.launch(Adds, { numbers: [start] })
        for (let link = 1; link < length; link++) last = await engine.launch(Adds, { numbers: [last, 1] })
        return last
      }
      expect(await (await lastOf(1)).result()).toBe(length)
      expectChain(await (await lastOf(-1)).result({ raiseOnFailure: false }))
    },
  )

  test.skipIf(extent === 'some')(
    'a process with ten thousand references reads them by the hundred',
    TIME,
    async () => {
      const count = share(1_000, 10_000) / over().slowness
      const { store, reads } = counted(over().store)
      const engine = await over().engine([Adds], { store })
      const numbers: ProcessHandle<number>[] = []
      for (let from = 0; from < count; from += 1_000) {
        const some = Array.from({ length: 1_000 }, (_, index) =>
          engine.launch(Adds, { numbers: [from + index] }),
        )
        numbers.push(...(await Promise.all(some)))
      }
      await Promise.all(numbers.map((one) => one.wait()))
      reads.clear()
      const all = await engine.launch(Adds, { numbers })
      expect(await all.result()).toBe((count * (count - 1)) / 2)
      expect(reads.get('loadAll') ?? 0).toBeLessThanOrEqual(count / 100 + 5)
      expect(reads.get('readAll') ?? 0).toBeLessThanOrEqual(count / 1_000 + 5)
      expect((reads.get('read') ?? 0) + (reads.get('load') ?? 0)).toBeLessThan(10)
    },
  )
})

function expectChain(end: unknown): void {
  expect(end).toBeInstanceOf(UpstreamFailed)
  const causes: unknown[] = []
  for (let at = end; at instanceof Error; at = at.cause) causes.push(at)
  expect(causes.length).toBeLessThan(15)
  for (const cause of causes) expect((cause as Error).message.length).toBeLessThan(500)
  expect(causes.at(-1)).toMatchObject({ message: 'negative' })
}
