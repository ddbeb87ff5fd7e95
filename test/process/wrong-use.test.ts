import { expect, test } from 'vitest'
import {
  Bundle,
  ClosedError,
  Engine,
  Process,
  ProcessExcepted,
  SpecError,
  UnknownProcessClass,
  type AnyProcessClass,
  type ProcessSpec,
  type Store,
} from 'damson'

class Cat extends Process<typeof Cat> {
  static override define(spec: ProcessSpec) {
    return spec.input('lives', { schema: { type: 'number' }, default: 9 })
  }
}
class Dog extends Process {
  override run(): void {
    throw new TypeError('no bone')
  }
}
// As a program without types would give it.
const noProcessClass = Date as unknown as AnyProcessClass

test('a class does not take the saved form of another for its own', () => {
  const bundle = Bundle.from(new Cat())
  expect(Cat.recreateFrom(bundle)).toBeInstanceOf(Cat)
  expect(() => Dog.recreateFrom(bundle)).toThrow(UnknownProcessClass)
  expect(() => Dog.recreateFrom(bundle)).toThrow(/Cat.*Registered: Dog/)
})

test('what is not a process class is refused, and named, where it is launched and where it is registered', async () => {
  await using engine = await Engine.open({ store: ':memory:', processes: [Cat], handleSignals: false })
  await expect(engine.launch(noProcessClass)).rejects.toThrow(SpecError)
  await expect(engine.launch(noProcessClass)).rejects.toThrow(/^Date is not a process class/)
  await expect(Engine.open({ store: ':memory:', processes: [noProcessClass] })).rejects.toThrow(
    /^Date is not a process class/,
  )
})

test('an engine without a store says what to give', async () => {
  const store = undefined as unknown as Store
  await expect(Engine.open({ store, processes: [Cat] })).rejects.toThrow(/give a path, ':memory:' or a store/)
})

test('a process that has ended says so where it is run again', async () => {
  const process = new Cat()
  await process.execute()
  await expect(process.execute()).rejects.toThrow(ClosedError)
  await expect(process.execute()).rejects.toThrow(/has ended \(finished\)/)
  const closed = new Cat()
  await closed.close()
  await expect(closed.execute()).rejects.toThrow(/was closed/)
})

test('a process that excepted reports so in the same words in memory and out of a store', async () => {
  await using engine = await Engine.open({ store: ':memory:', processes: [Dog], handleSignals: false })
  const inMemory: unknown = await new Dog({}, { pid: 'dog' }).execute().catch((error: unknown) => error)
  const handle = await engine.launch(Dog, {}, { pid: 'dog' })
  const stored: unknown = await handle.result().catch((error: unknown) => error)
  for (const error of [inMemory, stored]) {
    expect(error).toBeInstanceOf(ProcessExcepted)
    expect((error as Error).message).toBe('the process dog (Dog) excepted with TypeError: no bone')
  }
})
