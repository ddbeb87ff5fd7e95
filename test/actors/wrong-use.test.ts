import { afterEach, beforeEach, expect, test } from 'vitest'
import { Client, Engine, InvalidStateError, MemoryStore, SpecError, type ActorRef } from '../../src/index.ts'
import { Counter, forget, Unsavable } from './classes.ts'

/* What is wrong is refused at once, with what it is, and affects no one else. */

let engine: Engine
let actor: ActorRef<Counter>
beforeEach(async () => {
  engine = await Engine.open({ store: new MemoryStore(), actors: [Counter, Unsavable], handleSignals: false })
  actor = await engine.actor(Counter, [1])
})
afterEach(async () => {
  await engine.close({ drain: 0 })
  forget()
})

test.each([
  ['no class', undefined, [], {}, /actor takes an actor class, not undefined/],
  ['the name of a class', 'Counter', [], {}, /actor takes an actor class, not "Counter"/],
  ['an arrow function', () => {}, [], {}, /actor takes an actor class/],
  ['no arguments', Counter, undefined, {}, /actor takes a list of arguments, not undefined/],
  ['one argument', Counter, 3, {}, /actor takes a list of arguments, not 3/],
  ['a label that is no text', Counter, [3], { label: 5 }, /label must be text, not number/],
  ['an unknown option', Counter, [3], { retry: 1 }, /unknown option "retry"/],
  ['a retention that is none', Counter, [3], { retention: 'always' }, /retention is 'keep'/],
  ['an order that is none', Counter, [3], { order: 'any' }, /order is 'strict' or 'ready'/],
])('an actor with %s is refused', async (_what, actorClass, args, options, says) => {
  const make = engine.actor.bind(engine) as (...given: unknown[]) => Promise<unknown>
  await expect(make(actorClass, args, options)).rejects.toThrow(says)
})

test('a reference to an actor of no class is refused', () => {
  expect(() => engine.actorById(undefined as never, 'one')).toThrow(SpecError)
})

test('an engine or a client of actors that are no classes is refused', async () => {
  const actors = [() => {}] as never
  await expect(Engine.open({ store: new MemoryStore(), actors })).rejects.toThrow(
    /actors\[0\] takes an actor class/,
  )
  await expect(Client.open({ store: new MemoryStore(), actors })).rejects.toThrow(
    /actors\[0\] takes an actor class/,
  )
})

test('a call with a label that is no text is refused at once, and touches no other call', async () => {
  const good = actor.call.add(1)
  expect(() => actor.send('add', [1], { label: 3 as never })).toThrow(/send: label must be text, not number/)
  expect(() => actor.send('add', [1], { after: 'x' as never })).toThrow(/send: after takes/)
  expect(() => actor.send('add', [1], { retention: 'never' as never })).toThrow(/send: retention/)
  const dependency = { on: [good], timeout: 'soon' }
  expect(() => actor.send('add', [1], { after: dependency })).toThrow(/send: after: timeout/)
  expect(() => actor.send('add', [1], { after: { on: [], when: 'any' } })).toThrow(/send: after: one of no/)
  expect(await good.result()).toBe(2)
})

test('the methods of a reference cannot be replaced', () => {
  expect(() => Object.assign(actor.call, { add: 1 })).toThrow(TypeError)
})

test('a method is no field, and a field of another class is not read', async () => {
  await expect(actor.get('add' as never)).rejects.toThrow(/has no field add/)
  expect(() => actor.set('add' as never, 1 as never)).toThrow(/has no field add/)
  await expect(engine.actorById(Unsavable, actor.id).get('inner')).rejects.toThrow(InvalidStateError)
})

test('an actor and its calls take neither a resume nor a signal', async () => {
  const call = actor.call.wait('held')
  await call.submitted()
  for (const handle of [actor.process, call]) {
    await expect(handle.resume(1)).rejects.toThrow(/call its methods/)
    await expect(handle.signal('go', 1)).rejects.toThrow(/call its methods/)
  }
})
