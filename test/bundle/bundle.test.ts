import { describe, expect, it } from 'vitest'
import { Bundle, BundleKeys, type BundleHead, type Recreatable, SAVE } from '../../src/bundle/bundle.ts'
import { Codec } from '../../src/bundle/codec.ts'
import { decodeBundle, encodeBundle } from '../../src/bundle/saved-form.ts'
import { outputsOf } from '../../src/client/read/saved-outputs.ts'
import { IncompatibleBundle, UnknownProcessClass } from '../../src/shared/errors.ts'

const head: BundleHead = { pid: 'p1', class: 'Add', version: 2, created: '2026-01-31T12:00:00.000Z', seq: 3 }
const parts = { state: '{"label":"running","step":"check","args":[]}', inputs: '{"a":1}' }

describe('a bundle', () => {
  it('is one document of its head and its parts', () => {
    const bundle = Bundle.fromParts(
      { ...head, parent: 'p0', paused: { message: 'later' }, status: 'half way' },
      {
        ...parts,
        parsed: '{"a":1,"b":2}',
        memory: '{"ctx":{"n":1}}',
        'out:sum': '3',
        'record:effect:pay': '{"value":7}',
        launch: '{"retry":3}',
      },
    )
    expect(bundle.toJSON()).toEqual({
      format: 1,
      pid: 'p1',
      class: 'Add',
      version: 2,
      created: '2026-01-31T12:00:00.000Z',
      parent: 'p0',
      seq: 3,
      paused: { message: 'later' },
      status: 'half way',
      state: { label: 'running', step: 'check', args: [] },
      inputs: { a: 1 },
      parsed: { a: 1, b: 2 },
      outputs: { sum: 3 },
      memory: { ctx: { n: 1 } },
      record: { 'effect:pay': { value: 7 } },
      launch: { retry: 3 },
    })
    expect(Object.keys(bundle.toJSON())).toEqual(Object.values(BundleKeys))
  })

  it('leaves out what there is not', () => {
    expect(Bundle.fromParts({ ...head, status: undefined }, parts).text).toBe(
      '{"format":1,"pid":"p1","class":"Add","version":2,"created":"2026-01-31T12:00:00.000Z","seq":3,' +
        '"state":{"label":"running","step":"check","args":[]},"inputs":{"a":1}}',
    )
  })

  it('comes apart into the same head and parts', () => {
    const all = { ...parts, 'out:sum': '3', 'out:opts.deep': '{"$":"NaN"}' }
    const bundle = Bundle.parse(Bundle.fromParts(head, all).text)
    expect(bundle.head).toEqual(head)
    expect(bundle.parts).toEqual(all)
  })

  it('does not depend on the order in which its parts are stored', () => {
    const outputs = { 'out:b': '1', 'out:10': '2', 'out:a.b': '3', 'out:9': '4', 'out:__proto__': '5' }
    const back = Object.fromEntries(Object.entries({ ...parts, ...outputs }).toReversed())
    const { text } = Bundle.fromParts(head, back)
    expect(text).toBe(Bundle.fromParts(head, { ...outputs, ...parts }).text)
    expect(Bundle.parse(text).text).toBe(text)
    expect(Bundle.parse(text).outputNames).toEqual(['9', '10', '__proto__', 'a.b', 'b'])
  })

  it('may be laid out for reading, and is the same when read back', () => {
    const bundle = Bundle.fromParts(head, parts)
    expect(Bundle.parse(JSON.stringify(bundle, null, 2)).text).toBe(bundle.text)
  })
})

describe('reading a bundle', () => {
  const document = (change: object): string =>
    JSON.stringify({ ...Bundle.fromParts(head, parts).toJSON(), ...change })

  it.each([
    ['no JSON', '{"format":1', /is damaged, it is not JSON/],
    ['no object', '[1]', /is \[1\] and not an object/],
    ['null', 'null', /is null and not an object/],
    [
      'no format',
      document({ format: undefined }),
      /process p1 is damaged: it has no format number, but not there/,
    ],
    ['a wrong format', document({ format: '1' }), /no format number, but "1"/],
    ['no pid', document({ pid: undefined }), /has no pid: it should be a text/],
    ['an empty class', document({ class: '' }), /has a wrong class/],
    [
      'half a version',
      document({ version: 1.5 }),
      /has a wrong version: it should be a whole number, and is 1\.5/,
    ],
    ['a date that is none', document({ created: 'yesterday' }), /has a wrong created: it should be a date/],
    ['a negative count', document({ seq: -1 }), /has a wrong seq/],
    ['a parent that is none', document({ parent: 1 }), /has a wrong parent/],
    ['a wrong pause', document({ paused: true }), /has a wrong paused/],
    ['a wrong status', document({ status: {} }), /has a wrong status/],
    ['no state', document({ state: undefined }), /has no state/],
    ['no inputs', document({ inputs: undefined }), /has no inputs/],
    ['inputs that are a list', document({ inputs: [] }), /has a wrong inputs/],
    ['outputs that are a text', document({ outputs: 'x' }), /has a wrong outputs/],
    ['a memory that is null', document({ memory: null }), /has a wrong memory/],
    [
      'a key that no bundle has',
      document({ colour: 'red' }),
      /has a key colour, which no bundle of format 1 has/,
    ],
  ])('refuses %s', (_what, text, message) => {
    expect(() => Bundle.parse(text)).toThrow(IncompatibleBundle)
    expect(() => Bundle.parse(text)).toThrow(message)
  })

  it('refuses a newer format, and says that a newer release reads it', () => {
    expect(() => Bundle.parse(document({ format: 2, colour: 'red' }))).toThrow(
      'the bundle of process p1 is of format 2, and this release reads formats up to 1: it was saved by a newer release, load it with that one',
    )
  })

  it('refuses parts that no bundle has, and too few', () => {
    expect(() => Bundle.fromParts(head, { ...parts, colour: '1' })).toThrow(/has a part colour/)
    expect(() => Bundle.fromParts(head, { inputs: '{}' })).toThrow(/has no state/)
    expect(() => Bundle.fromParts(head, { state: '{}' })).toThrow(/has no inputs/)
  })
})

class Add {
  readonly bundle: Bundle
  constructor(bundle: Bundle) {
    this.bundle = bundle
  }
  static recreateFrom(bundle: Bundle): Add {
    return new Add(bundle)
  }
  [SAVE](): Bundle {
    return this.bundle
  }
}

describe('a process and its bundle', () => {
  const bundle = Bundle.fromParts(head, parts)

  it('become each other', () => {
    const process: Add = bundle.unbundle({ processes: [Add] })
    expect(process).toBeInstanceOf(Add)
    expect(Bundle.from(process)).toBe(bundle)
  })

  it('finds the class by a loader', () => {
    const loader = {
      identify: () => 'Add',
      load: (name: string): Recreatable<Add> => (name === 'Add' ? Add : missing()),
    }
    expect(bundle.unbundle({ loader }).bundle).toBe(bundle)
  })

  it('names the class that is missing', () => {
    expect(() => bundle.unbundle()).toThrow(UnknownProcessClass)
    expect(() => bundle.unbundle()).toThrow(/no process class named Add .*`processes: \[Add\]`/)
  })
})

function missing(): never {
  throw new Error('another class was asked for')
}

describe('a name that means something to JavaScript', () => {
  const codec = new Codec()
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']

  it.each(names)('%s, of an output or a record, comes back when its bundle is decoded', (name) => {
    const parts = {
      state: '{"label":"created"}',
      inputs: '{}',
      [`out:${name}`]: '{"$":"NaN"}',
      [`record:${name}`]: '5',
    }
    const form = decodeBundle(Bundle.fromParts(head, parts), codec)
    expect(Object.entries(form.outputs)).toEqual([[name, Number.NaN]])
    expect(Object.entries(form.record)).toEqual([[name, 5]])
    expect(encodeBundle(head, form, codec).parts).toEqual(parts)
  })

  it.each(names)('%s in the dotted name of an output reaches no prototype', (name) => {
    const outputs = outputsOf({ [`out:${name}.prototype.bad`]: '1', [`out:a.${name}.bad`]: '2' }, codec)
    expect(Object.keys(outputs).toSorted()).toEqual([name, 'a'].toSorted())
    expect(({} as { bad?: unknown }).bad).toBeUndefined()
    expect((Object as { bad?: unknown }).bad).toBeUndefined()
  })
})

it('an output within another one is damage', () => {
  expect(() => outputsOf({ 'out:a': '5', 'out:a.b': '6' }, new Codec())).toThrow(IncompatibleBundle)
})
