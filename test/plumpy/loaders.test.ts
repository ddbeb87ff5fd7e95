import { expect, test } from 'vitest'
import { Bundle, type Loader, UnknownProcessClass } from 'damson'
import { ClassRegistry } from '../../src/bundle/loader.ts'
import { Nothing } from './example-processes.ts'

const bundle = Bundle.from(new Nothing())

test('a loader of one’s own finds classes by its own names', () => {
  const loader: Loader = {
    identify: () => 'Nothing',
    load: (name) => {
      if (name === 'Nothing') return Nothing
      throw new UnknownProcessClass(`no ${name} here`)
    },
  }
  expect(loader.load(loader.identify(Nothing))).toBe(Nothing)
  expect(Nothing.recreateFrom(bundle, { loader })).toBeInstanceOf(Nothing)
})

test('a registry finds the class that it named', () => {
  const registry = new ClassRegistry([Nothing])
  expect(registry.load(registry.identify(Nothing))).toBe(Nothing)
})

test('a class that is not registered is an error that names it and what there is', () => {
  const registry = new ClassRegistry([Nothing])
  expect(() => registry.load('Something')).toThrow(UnknownProcessClass)
  expect(() => registry.load('Something')).toThrow(/Something.*Registered: Nothing/)
  expect(() => bundle.unbundle({ processes: [] })).toThrow(UnknownProcessClass)
})
