import * as fc from '../run/properties.ts'
import { expect, test } from 'vitest'
import { InputPort } from '../../src/ports/input-port.ts'
import { PortNamespace } from '../../src/ports/port-namespace.ts'

const name = fc.constantFrom('a', 'b', 'c', 'ns', 'nsX', 'constructor')
const { tree } = fc.letrec<{ tree: PortNamespace }>((tie) => ({
  tree: fc
    .record({
      dynamic: fc.boolean(),
      required: fc.boolean(),
      populateDefaults: fc.boolean(),
      ports: fc.dictionary(
        name,
        fc.oneof(
          { maxDepth: 3 },
          fc.record({ required: fc.boolean() }),
          fc.record({ default: fc.oneof(fc.integer(), fc.array(fc.integer())) }),
          tie('tree'),
        ),
      ),
    })
    .map(({ ports, ...options }) => {
      const made = new PortNamespace('root', options)
      for (const [key, port] of Object.entries(ports)) {
        if (port instanceof PortNamespace) made.createPortNamespace(key, port.options()).absorb(port)
        else made.set(key, new InputPort(key, port))
      }
      return made
    }),
}))
const { values } = fc.letrec<{ values: Record<string, unknown> }>((tie) => ({
  values: fc.dictionary(
    fc.oneof(name, fc.constant('__proto__'), fc.string({ maxLength: 3 })),
    fc.oneof({ maxDepth: 4 }, fc.integer(), fc.constant(undefined), fc.array(fc.integer()), tie('values')),
  ),
}))

function pathsOf(namespace: PortNamespace, prefix = ''): string[] {
  return [...namespace].flatMap(([key, port]) =>
    port instanceof PortNamespace ? [prefix + key, ...pathsOf(port, `${prefix}${key}.`)] : [prefix + key],
  )
}

test('what was given is never changed', () => {
  fc.assert(
    fc.property(tree, values, (ports, raw) => {
      const before = structuredClone(raw)
      ports.preProcess(raw)
      ports.validate(ports.preProcessFrozen(raw))
      expect(raw).toEqual(before)
      expect(Object.isFrozen(raw)).toBe(false)
    }),
  )
})

test('what was filled in stays as it is when it is filled in again', () => {
  fc.assert(
    fc.property(tree, values, (ports, raw) => {
      const once = ports.preProcess(raw)
      expect(ports.preProcess(once)).toEqual(once)
      expect(ports.preProcessFrozen(raw)).toEqual(once)
    }),
  )
})

test('sealing changes nothing in what is filled in and what is found wrong', () => {
  fc.assert(
    fc.property(tree, values, (ports, raw) => {
      const before = [ports.preProcess(raw), ports.validate(raw)]
      ports.seal()
      expect([ports.preProcess(raw), ports.validate(raw)]).toEqual(before)
    }),
  )
})

test('absorbing all gives the same ports, as copies', () => {
  fc.assert(
    fc.property(tree, values, (ports, raw) => {
      const taken = new PortNamespace('root')
      expect(taken.absorb(ports)).toEqual(pathsOf(ports))
      expect(taken.getDescription()).toEqual(ports.getDescription())
      expect(taken.validate(raw)).toEqual(ports.validate(raw))
      for (const path of pathsOf(ports)) expect(taken.find(path)).not.toBe(ports.find(path))
    }),
  )
})

test('what is excluded is gone, with all below it, and nothing else', () => {
  fc.assert(
    fc.property(tree, fc.nat(), (ports, pick) => {
      const paths = pathsOf(ports)
      const out = paths[pick % Math.max(1, paths.length)]
      fc.pre(out !== undefined)
      const taken = new PortNamespace('root')
      taken.absorb(ports, { exclude: [out] })
      expect(pathsOf(taken)).toEqual(paths.filter((path) => path !== out && !path.startsWith(`${out}.`)))
    }),
  )
})

test('what is included is there, with all below it and what leads to it, and nothing else', () => {
  fc.assert(
    fc.property(tree, fc.nat(), (ports, pick) => {
      const paths = pathsOf(ports)
      const only = paths[pick % Math.max(1, paths.length)]
      fc.pre(only !== undefined)
      const taken = new PortNamespace('root')
      taken.absorb(ports, { include: [only] })
      expect(pathsOf(taken)).toEqual(
        paths.filter((path) => path === only || path.startsWith(`${only}.`) || only.startsWith(`${path}.`)),
      )
    }),
  )
})
