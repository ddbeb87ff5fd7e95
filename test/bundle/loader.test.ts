import { describe, expect, it } from 'vitest'
import { ClassRegistry, registeredName } from '../../src/bundle/loader.ts'
import { SpecError, UnknownProcessClass } from '../../src/shared/errors.ts'

class Add {
  readonly a = 1
}
class Multiply {
  readonly by = 2
  static readonly processName: string = 'arith.multiply'
}
class Twice extends Multiply {}
const unnamed = (() =>
  class {
    readonly c = 3
  })()

describe('the registry of classes', () => {
  it('knows a class by its own processName, else by its own name', () => {
    const registry = new ClassRegistry([Add, Multiply, Twice])
    expect([...registry]).toEqual([
      ['Add', Add],
      ['arith.multiply', Multiply],
      ['Twice', Twice],
    ])
    expect(registry.load('arith.multiply')).toBe(Multiply)
    expect(registry.identify(Twice)).toBe('Twice')
    expect(registry.find('Multiply')).toBeUndefined()
  })

  it('refuses two classes of one name, and takes the same one twice', () => {
    const registry = new ClassRegistry<{ readonly name: string }>([Add, Add])
    const other = {
      Add: class Add {
        readonly b = 2
      },
    }.Add
    expect(() => registry.register(other)).toThrow(SpecError)
    expect(() => registry.register(other)).toThrow(/two process classes are named Add/)
    expect(registry.has(other)).toBe(false)
    expect(registry.has(Add)).toBe(true)
  })

  it('refuses a class without a name', () => {
    expect(() => new ClassRegistry([unnamed])).toThrow(/give the class a name, or a `static processName`/)
    expect(registeredName(Object.assign(unnamed, { processName: 'named' }))).toBe('named')
  })

  it('says which classes it knows when another is asked for', () => {
    expect(() => new ClassRegistry([Multiply, Add]).load('Subtract')).toThrow(UnknownProcessClass)
    expect(() => new ClassRegistry([Multiply, Add]).load('Subtract')).toThrow(
      'no process class named Subtract is registered here. Registered: Add, arith.multiply.',
    )
    expect(() => new ClassRegistry().load('Subtract')).toThrow(/None is/)
  })
})
