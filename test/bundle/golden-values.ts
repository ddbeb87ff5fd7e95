import type { BundleHead } from '../../src/bundle/bundle.ts'
import { Codec } from '../../src/bundle/codec.ts'
import type { SavedForm } from '../../src/bundle/saved-form.ts'
import { NonRetryableError, PortValidationError, StepTimeout } from '../../src/shared/errors.ts'
import { Vector, vectorType } from './vector.ts'

/** What is in the files of test/fixtures/bundles/format-1. */
export const codec = new Codec([vectorType])

interface Golden {
  readonly head: BundleHead
  readonly form: SavedForm
}

function bundle(head: Partial<BundleHead>, form: Partial<SavedForm>): Golden {
  const whole = {
    pid: '019c1000-0000-7000-8000-000000000001',
    class: 'Add',
    version: 1,
    created: '2026-01-31T12:00:00.000Z',
    seq: 0,
    ...head,
  }
  const { pid, class: className, version } = whole
  return {
    head: whole,
    form: {
      pid,
      class: className,
      version,
      state: { label: 'created' },
      inputs: {},
      parsed: undefined,
      outputs: {},
      ctx: {},
      members: {},
      instance: {},
      record: {},
      launch: undefined,
      ...form,
    },
  }
}

/** An error as another machine would have it. */
function thrown<E extends Error>(error: E): E {
  error.stack = `${error.name}: ${error.message}\n    at step (file:///srv/app/add.js:3:7)`
  return error
}

const shared = { of: 'both' }
const loop: Record<string, unknown> = {
  name: 'loop',
  members: new Map<unknown, unknown>([['shared', shared]]),
}
loop['self'] = loop
const list: unknown[] = [shared]
list.push(list, new Set([list, shared]))

// oxlint-disable-next-line no-sparse-arrays -- a list with a hole
const holes = [1, , 3]

export const golden: Readonly<Record<string, Golden>> = {
  created: bundle({}, { inputs: { a: 1, b: 2 } }),

  running: bundle(
    {
      parent: '019c1000-0000-7000-8000-000000000000',
      seq: 3,
      status: 'adding',
      version: 4,
      class: 'arith.add',
    },
    {
      state: { label: 'running', step: 'check', args: [3, { exact: true }] },
      inputs: { a: 1 },
      parsed: { a: 1, opts: { tol: 1e-6 } },
      outputs: { sum: 3, 'opts.deep': new Date(0), '10': 'ten', '9': undefined },
      ctx: { jobs: ['x', 'y'], shared },
      members: { count: 3, shared },
      instance: { cache: new Map([['k', 1]]) },
    },
  ),

  paused: bundle(
    { seq: 2, paused: { message: 'until Monday', at: '2026-01-31T12:30:00.000Z' }, status: '' },
    { state: { label: 'waiting', step: 'go', message: 'for a word', data: { tries: 2 } } },
  ),

  values: bundle(
    { seq: 1 },
    {
      inputs: {
        numbers: [0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e21, 5e-324],
        bigints: [0n, -1n, 2n ** 64n],
        texts: ['', 'é', '\u{1F600}', '\uD800', '\u2028', '"\\\n\u0000'],
        none: [null, undefined],
        dates: [new Date(0), new Date(8.64e15), new Date(Number.NaN)],
        pattern: /a+\/[/]/giu,
        url: new URL('https://example.org/a?b=c#d'),
        map: new Map<unknown, unknown>([
          ['a', 1],
          [{ k: 1 }, new Set([1, 'x'])],
        ]),
        holes,
        named: Object.assign(['a'], { index: 0 }),
        dict: Object.assign(Object.create(null), { a: 1 }),
        vector: new Vector(1, new Vector(2, undefined)),
        keys: { $: 'NaN', '': 0, '1': 1, a: 2, constructor: 3, deep: { $: { $: [] } } },
        proto: JSON.parse('{"__proto__":{"x":1}}'),
      },
      outputs: {
        buffer: Buffer.from('damson'),
        arrayBuffer: new Uint8Array([1, 2, 3]).buffer,
        dataView: new DataView(new Uint8Array([1, 2]).buffer),
        int8: new Int8Array([-1]),
        uint8: new Uint8Array([255]),
        clamped: new Uint8ClampedArray([255]),
        int16: new Int16Array([-2]),
        uint16: new Uint16Array([2]),
        int32: new Int32Array([-3]),
        uint32: new Uint32Array([3]),
        float32: new Float32Array([1.5]),
        float64: new Float64Array([Math.PI, -0, Number.NaN]),
        bigInt64: new BigInt64Array([-4n]),
        bigUint64: new BigUint64Array([4n]),
      },
      ctx: { loop, list },
      members: { shared, when: new Date(0) },
      instance: { loop },
    },
  ),

  excepted: bundle(
    { seq: 5 },
    {
      state: {
        label: 'excepted',
        error: thrown(
          Object.assign(
            new StepTimeout('too slow', {
              cause: thrown(new TypeError('not a number', { cause: 'a text' })),
            }),
            { limit: 5n },
          ),
        ),
      },
      ctx: {
        all: thrown(new AggregateError([thrown(new RangeError('one')), 2], 'all')),
        ports: thrown(
          new PortValidationError([{ port: 'inputs.a', message: 'wrong', cause: thrown(new Error('bad')) }]),
        ),
        dom: thrown(new DOMException('stopped', 'AbortError')),
        own: thrown(
          Object.assign(new NonRetryableError('refused'), { name: 'CardRefused', card: { last: '4242' } }),
        ),
      },
    },
  ),
}
