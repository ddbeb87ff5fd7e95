import { expect, test } from 'vitest'
import { Uuid } from '../../src/index.ts'
import { decodeBody, encodeBody } from '../../src/communication/rabbitmq/yaml-codec.ts'

/* Bodies as PyYAML writes them, and as it reads them. */

const read = (text: string): unknown => decodeBody(Buffer.from(text))
const written = (value: unknown): string => encodeBody(value).toString()

test.each([
  ['y', 'y'],
  ['n', 'n'],
  ['yes', true],
  ['Off', false],
  ['1e3', '1e3'],
  ['1.0e+3', 1_000],
  ['1.5', 1.5],
  ['.5', 0.5],
  ['0o7', '0o7'],
  ['010', 8],
  ['0x1F', 31],
  ['0b101', 5],
  ['1_000', 1_000],
  ['1:30', 90],
  ['1:30.5', 90.5],
  ['-17', -17],
  ['9007199254740993', 9_007_199_254_740_993n],
  ['~', null],
  ['null', null],
  ['', null],
  ['.inf', Number.POSITIVE_INFINITY],
  ['-.INF', Number.NEGATIVE_INFINITY],
  ['.nan', Number.NaN],
  ['2026-11-20', '2026-11-20'],
  ["'1'", '1'],
  ['"yes"', 'yes'],
  ['!!python/tuple [1, two]', [1, 'two']],
  ["!uuid '01234567-89ab-cdef-0123-456789abcdef'", new Uuid('01234567-89ab-cdef-0123-456789abcdef')],
  ['!!str 7', '7'],
  ["!!int '7'", 7],
  ["!!float '7'", 7],
  ['{1: a, true: b, null: c}', { 1: 'a', true: 'b', null: 'c' }],
  ['&id001 [1]\n', [1]],
  ['a: &id001 [1]\nb: *id001\n', { a: [1], b: [1] }],
  ['|\n  two\n  lines\n', 'two\nlines\n'],
  ['folded\n\n  text\n', 'folded\ntext'],
])('%j is read as Python reads it', (text, value) => {
  expect(read(text)).toEqual(value)
})

test('the task of plumpy’s controller', () => {
  const task = `!!python/tuple
- args:
    init_args: null
    init_kwargs:
      inputs:
        a: 5
    nowait: false
    persist: false
    process_class: orders:Add
  task: launch
- false
`
  const args = {
    init_args: null,
    init_kwargs: { inputs: { a: 5 } },
    nowait: false,
    persist: false,
    process_class: 'orders:Add',
  }
  expect(read(task)).toEqual([{ task: 'launch', args }, false])
})

test('the RPCs, responses and broadcasts of Python', () => {
  expect(read('intent: pause\nmessage: hold tight\n')).toEqual({ intent: 'pause', message: 'hold tight' })
  expect(read('force_kill: false\nintent: kill\nmessage: null\n')).toEqual({
    intent: 'kill',
    message: null,
    force_kill: false,
  })
  expect(read('pending: null\n')).toEqual({ pending: null })
  expect(read('host:\n  hostname: one\n  pid: 7\nresult:\n  default: 5\n')).toEqual({
    result: { default: 5 },
    host: { hostname: 'one', pid: 7 },
  })
  const broadcast = `body: null
correlation_id: null
sender: !uuid '01234567-89ab-cdef-0123-456789abcdef'
subject: state_changed.None.created
`
  expect(read(broadcast)).toMatchObject({ subject: 'state_changed.None.created', body: null })
})

test.each([
  [1e21, '1.0e+21'],
  [1.5e-7, '1.5e-7'],
  [5, '5'],
  [-0, '-0.0'],
  [Number.NaN, '.nan'],
  [Number.NEGATIVE_INFINITY, '-.inf'],
  ['\u007f\u0085\u2028😀', String.raw`"\u007f\u0085\u2028😀"`],
  [null, 'null'],
  [[1, { a: true }], '[1, {"a": true}]'],
  [new Uuid('01234567-89ab-cdef-0123-456789abcdef'), "!uuid '01234567-89ab-cdef-0123-456789abcdef'"],
])('%j is written so that Python reads the same', (value, text) => {
  expect(written(value)).toBe(text)
  expect(decodeBody(encodeBody([value]))).toEqual([value])
})

test('a long name stands after a question mark', () => {
  const name = 'k'.repeat(1_100)
  expect(written({ [name]: 1 })).toBe(`{? "${name}": 1}`)
  expect(read(written({ [name]: 1 }))).toEqual({ [name]: 1 })
})

test.each([
  ['[1, 2', 'no YAML'],
  ['!!python/object/apply:os.system [ls]', 'kind'],
  ['!!python/name:os.system', 'kind'],
  ["!!int 'x'", 'another kind'],
  ['{[1]: 2}', 'whose key is a list'],
  ['&a [*a]', 'refers to *a'],
  ['['.repeat(300) + ']'.repeat(300), 'levels deep'],
])('%j is refused', (text, message) => {
  expect(() => read(text)).toThrow(message)
})

test('what is no UTF-8 is refused, and __proto__ is a name like others', () => {
  expect(() => decodeBody(Buffer.from([0xff, 0xfe]))).toThrow('UTF-8')
  const value = read('__proto__: {a: 1}') as object
  expect(Object.keys(value)).toEqual(['__proto__'])
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
})

test('many references to one list cost one list', () => {
  const lines = ['a0: &a0 [x, x]']
  for (let i = 1; i < 60; i++) lines.push(`a${i}: &a${i} [*a${i - 1}, *a${i - 1}]`)
  expect(Object.keys(read(lines.join('\n')) as object)).toHaveLength(60)
})
