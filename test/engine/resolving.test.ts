import { describe, expect, test } from 'vitest'
import {
  allowFailure,
  callRepr,
  Process,
  ProcessExcepted,
  quote,
  resolveHandles,
  resolveStates,
  WaitTimeout,
  type ProcessSpec,
} from '../../src/index.ts'
import { overEachStore } from './over-stores.ts'
import { Add, Failing, Gated } from './processes.ts'

/** Returns what it is given. */
class HandsOn extends Process<typeof HandsOn> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('given').returns({})
  }
  override run(): unknown {
    return this.inputs.given
  }
}

const CLASSES = [Add, Failing, Gated, HandsOn]

overEachStore((over) => {
  test('handles in a value are replaced by their results, at any depth', async () => {
    const engine = await over().engine(CLASSES)
    const add = await engine.launch(Add, { a: 1 })
    const failing = await engine.launch(Failing)
    const { sum, map, set, ...rest } = await resolveHandles({
      sum: [add.outputs.ref('sum'), 1] as const,
      map: new Map([[add, 'as a key']]),
      set: new Set([add.outputs.done]),
      quoted: quote(add),
      failed: allowFailure(failing),
    })
    expect(sum).toEqual([2, 1])
    expect([...map]).toEqual([[{ sum: 2 }, 'as a key']])
    expect([...set]).toEqual([true])
    expect(rest.quoted).toBe(add)
    expect(rest.failed).toMatchObject({ status: 'rejected', state: { label: 'excepted' } })
    expect(await resolveHandles(add)).toEqual({ sum: 2 })
  })

  test('a value without handles is the same object, sharing and cycles are kept, and no iterator is used up', async () => {
    const engine = await over().engine(CLASSES)
    const add = await engine.launch(Add, { a: 1 })
    const plain = { list: [1, { two: 2 }] }
    expect(await resolveHandles(plain)).toBe(plain)
    const shared: { handle: unknown; self?: unknown } = { handle: add.outputs.ref('sum') }
    shared.self = shared
    const iterator = [1, 2][Symbol.iterator]()
    const given = { one: shared, two: shared, plain, iterator }
    const resolved = await resolveHandles(given)
    expect(resolved.one).toBe(resolved.two)
    expect(resolved.one.self).toBe(resolved.one)
    expect(resolved.one.handle).toBe(2)
    expect(resolved.plain).toBe(plain)
    expect([...iterator]).toEqual([1, 2])
    expect(shared.handle).not.toBe(2)
  })

  test('a result is not searched for further handles', async () => {
    const engine = await over().engine(CLASSES)
    const add = await engine.launch(Add, { a: 1 })
    const hands = await engine.launch(HandsOn, { given: [quote(add)] })
    expect(await resolveHandles({ hands })).toEqual({ hands: [add] })
    const [handle] = (await resolveHandles(hands)) as unknown[]
    expect(handle).toBe(add)
  })

  test('a depth limits where handles are looked for', async () => {
    const engine = await over().engine(CLASSES)
    const add = await engine.launch(Add, { a: 1 })
    const { near, far } = await resolveHandles({ near: add.outputs.done, far: [add] }, { maxDepth: 1 })
    expect(near).toBe(true)
    expect(far[0]).toBe(add)
  })

  test('a failure rejects, or stands in its place; a timeout rejects', async () => {
    const engine = await over().engine(CLASSES)
    const failing = await engine.launch(Failing)
    const slow = await engine.launch(Gated, { gate: 'resolve' })
    await expect(resolveHandles([slow, failing])).rejects.toThrow(ProcessExcepted)
    const [error] = await resolveHandles([failing], { raiseOnFailure: false })
    expect(error).toBeInstanceOf(ProcessExcepted)
    await expect(resolveHandles([slow], { timeout: 0 })).rejects.toThrow(WaitTimeout)
    await expect(resolveStates({ slow }, { timeout: 0 })).rejects.toThrow(WaitTimeout)
    await expect(resolveHandles([slow], { maxDepth: -1 })).rejects.toThrow(RangeError)
    await expect(resolveHandles([slow], { depth: 1 } as never)).rejects.toThrow(TypeError)
  })

  test('a group stands for the list of its results, or of its states', async () => {
    const engine = await over().engine(CLASSES)
    const sums = await engine.launchAll(Add, [{ a: 1 }, { a: 2 }])
    const mixed = engine.group([sums.at(0)?.pid ?? '', await engine.launch(Failing)])
    const { list, none, at } = await resolveHandles({ list: [sums], none: engine.group([]), at: { sums } })
    expect(list).toEqual([[{ sum: 2 }, { sum: 3 }]])
    expect(none).toEqual([])
    expect(at.sums).toBe(list[0])
    expect(await resolveHandles(sums)).toEqual([{ sum: 2 }, { sum: 3 }])
    await expect(resolveHandles([allowFailure(sums as never)])).rejects.toThrow(
      /allowFailure takes a handle or a ref/,
    )
    await expect(resolveHandles({ mixed })).rejects.toThrow(ProcessExcepted)
    const kept = await resolveHandles({ mixed }, { raiseOnFailure: false })
    expect(kept.mixed).toMatchObject([{ sum: 2 }, { name: 'ProcessExcepted' }])
    const states = await resolveStates(new Map([['mixed', mixed]]))
    expect(states.get('mixed')).toMatchObject([{ label: 'finished' }, { label: 'excepted' }])
    expect(await resolveStates(sums)).toMatchObject([{ successful: true }, { successful: true }])
    const slow = engine.group([await engine.launch(Gated, { gate: 'group' })])
    await expect(resolveHandles({ slow }, { timeout: 0 })).rejects.toThrow(WaitTimeout)
    await expect(resolveStates({ slow }, { timeout: 0 })).rejects.toThrow(WaitTimeout)
  })

  test('resolveStates gives the final states, and no failure rejects', async () => {
    const engine = await over().engine(CLASSES)
    const add = await engine.launch(Add, { a: 1 })
    const failing = await engine.launch(Failing)
    const states = await resolveStates({
      list: [add, failing.outputs.done],
      as: new Map([['key', add]]),
      n: 1,
    })
    expect(states).toMatchObject({ list: [{ label: 'finished' }, { label: 'excepted' }], n: 1 })
    expect(states.as.get('key')).toMatchObject({ successful: true })
  })
})

describe('callRepr', () => {
  test.each([
    [callRepr('f', [1, 'x'], { y: [1, 2] }), "f(1, 'x', y=[1, 2])"],
    [callRepr(Add), 'Add()'],
    [
      callRepr('f', [null, undefined, true, -0, 2n, { a: "it's" }]),
      "f(null, undefined, true, -0, 2n, {a: 'it\\'s'})",
    ],
    [callRepr('f', [new Map([['a', 1]]), new Set([1])]), "f(Map {'a' => 1}, Set {1})"],
    [callRepr('f', [new Date(0), new Error('no')]), "f(1970-01-01T00:00:00.000Z, Error('no'))"],
    [callRepr('f', ['x'.repeat(200)]), `f('${'x'.repeat(99)}...)`],
    [callRepr('f', [[1, 2, 3]], {}, 4), 'f([1, ...)'],
  ])('%s', (text, expected) => {
    expect(text).toBe(expected)
  })

  test('shows a cycle once', () => {
    const list: unknown[] = [1]
    list.push(list)
    expect(callRepr('f', [list])).toBe('f([1, ...])')
  })
})
