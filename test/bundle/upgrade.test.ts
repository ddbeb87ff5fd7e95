import { describe, expect, it } from 'vitest'
import { Bundle } from '../../src/bundle/bundle.ts'
import { Codec } from '../../src/bundle/codec.ts'
import { decodeBundle, type SavedForm } from '../../src/bundle/saved-form.ts'
import { upgradeBundle, type VersionedClass } from '../../src/bundle/upgrade.ts'
import { IncompatibleBundle } from '../../src/shared/errors.ts'

const codec = new Codec()
const old = Bundle.fromParts(
  { pid: 'p1', class: 'Add', version: 1, created: '2026-01-31T12:00:00.000Z', seq: 3, status: 'on it' },
  {
    state: '{"label":"running","step":"verify","args":[{"$":"Date","value":null}]}',
    inputs: '{"x":1}',
    'out:sum': '3',
    memory: '{"ctx":{"done":{"$":"Set","values":[1]}},"members":{"count":2}}',
  },
)

/** Version 2 renamed the step, version 3 an input and an output. */
class Add {
  readonly total = 0
  static readonly version = 3
  static upgrade(form: SavedForm): SavedForm {
    if (form.version === 1) return { ...form, version: 2, state: { ...form.state, step: 'check' } }
    return { ...form, version: 3, inputs: { a: form.inputs['x'] }, outputs: { total: form.outputs['sum'] } }
  }
}

describe('a bundle of an older version of its class', () => {
  it('is lifted version by version, its values decoded', () => {
    const lifted = upgradeBundle(old, Add, codec)
    expect(lifted.head).toEqual({ ...old.head, version: 3 })
    expect(decodeBundle(lifted, codec)).toEqual({
      ...decodeBundle(old, codec),
      version: 3,
      state: { label: 'running', step: 'check', args: [new Date(Number.NaN)] },
      inputs: { a: 1 },
      outputs: { total: 3 },
    })
    expect(lifted.parts['memory']).toBe(old.parts['memory'])
  })

  it('may be changed in place', () => {
    const lifted = upgradeBundle(
      old,
      {
        version: 2,
        upgrade(form) {
          form.version = 2
          form.ctx['count'] = form.members['count']
          delete form.members['count']
        },
      },
      codec,
    )
    expect(lifted.toJSON()['memory']).toEqual({ ctx: { done: { $: 'Set', values: [1] }, count: 2 } })
  })

  it('is left alone in the version of its class, which is 1 by default', () => {
    expect(upgradeBundle(old, {}, codec)).toBe(old)
  })

  it('keeps its pid and class, whatever the upgrade says', () => {
    const { head } = upgradeBundle(
      old,
      { version: 2, upgrade: (form) => ({ ...form, version: 2, pid: 'x', class: 'y' }) },
      codec,
    )
    expect([head.pid, head.class]).toEqual(['p1', 'Add'])
  })

  it.each<[string, VersionedClass, RegExp]>([
    [
      'of a newer version',
      { version: 0 },
      /saved by version 1 of Add, and here is version 0: .* Load it with the newer class/,
    ],
    ['without an upgrade', { version: 2 }, /which has no `static upgrade\(bundle\)`/],
    ['that does not get on', { version: 2, upgrade: () => {} }, /left it at version 1, coming from 1/],
    [
      'that loses its version',
      { version: 2, upgrade: () => ({}) as SavedForm },
      /left it at version undefined/,
    ],
    [
      'lifted too far',
      { version: 2, upgrade: (form) => ({ ...form, version: 3 }) },
      /to version 3, beyond that of the class/,
    ],
    ['lifted later', { version: 2, upgrade: (async () => {}) as () => void }, /returned a promise/],
    [
      'whose upgrade throws',
      {
        version: 2,
        upgrade() {
          throw new Error('no such field')
        },
      },
      /`upgrade` from version 1 threw: no such field/,
    ],
  ])('is refused: %s', (_what, processClass, message) => {
    expect(() => upgradeBundle(old, processClass, codec)).toThrow(IncompatibleBundle)
    expect(() => upgradeBundle(old, processClass, codec)).toThrow(message)
  })
})
