import { type as arktype } from 'arktype'
import type { JSONSchemaType } from 'ajv'
import { Type, type Static } from 'typebox'
import * as v from 'valibot'
import { z } from 'zod'
import {
  type InputsOf,
  type LaunchInputsOf,
  type OutputsOf,
  Process,
  type ProcessSpec,
  type ResultOf,
  type SelfTyped,
  typed,
} from 'damson'

type Equal<A, B> = (<G>() => G extends A ? 1 : 2) extends <G>() => G extends B ? 1 : 2 ? true : false
function expectType<_T extends true>(): void {}

export class Add extends Process<typeof Add> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('a', { schema: { type: 'number' }, help: 'first summand' })
      .input('b', { schema: { type: 'integer', minimum: 0 }, default: 1 })
      .input('label', { schema: { enum: ['x', 'y'] }, required: false })
      .input('opts.tol', { schema: { type: 'number' }, default: 1e-6 })
      .input('opts.basis', { schema: { type: ['string', 'null'] }, required: false })
      .inputNamespace('weights', { dynamic: true, schema: { type: 'number' } })
      .output('sum', { schema: { type: 'number' } })
      .output('note', { schema: { type: 'string' }, required: false })
      .output('meta.steps', { schema: { type: 'array', items: { type: 'string' } } })
      .outputNamespace('trace', { dynamic: true, schema: { type: 'boolean' } })
      .exitCode(310, 'ERROR_TOO_LARGE', 'the sum is above {limit}')
      .exitCode(311, 'ERROR_EMPTY', 'nothing to add')
      .returns({ schema: { type: 'number' } })
  }
  override run(): void {
    expectType<Equal<typeof this.inputs.a, number>>()
    expectType<Equal<typeof this.inputs.b, number>>()
    expectType<Equal<typeof this.inputs.label, 'x' | 'y' | undefined>>()
    expectType<Equal<typeof this.inputs.opts.basis, string | null | undefined>>()
    expectType<Equal<(typeof this.inputs.weights)[string], number>>()
    this.out('sum', this.inputs.a + this.inputs.b + this.inputs.opts.tol)
    this.out('meta.steps', ['one'])
    this.out('trace.first', true)
    this.exitCodes.ERROR_TOO_LARGE({ limit: 3 })
    this.exitCodes.ERROR_EMPTY()
    // @ts-expect-error unknown input
    void this.inputs.nope
    // @ts-expect-error unknown output
    this.out('total', 1)
    // @ts-expect-error wrong value
    this.out('sum', '1')
    // @ts-expect-error a namespace is not a port
    this.out('meta', {})
    // @ts-expect-error inputs are read-only
    this.inputs.a = 2
    // @ts-expect-error no value for {limit}
    this.exitCodes.ERROR_TOO_LARGE({ limt: 3 })
    // @ts-expect-error no such exit code
    void this.exitCodes.ERROR_NOPE
  }
}
expectType<Equal<InputsOf<typeof Add>['opts'], { readonly tol: number; readonly basis?: string | null }>>()
type Launch = LaunchInputsOf<typeof Add>
const least: Launch = { a: 1 }
const all: Launch = { a: 1, b: 2, label: 'x', opts: { tol: 1 }, weights: { w: 1 } }
// @ts-expect-error a is required
const missing: Launch = { b: 2 }
// @ts-expect-error not one of the enum
const wrong: Launch = { a: 1, label: 'z' }
// @ts-expect-error unknown
const unknownName: Launch = { a: 1, labell: 'x' }
// @ts-expect-error not a number
const wrongDynamic: Launch = { a: 1, weights: { w: 'heavy' } }
export { least, all, missing, wrong, unknownName, wrongDynamic }
void new Add({ a: 1 })
// @ts-expect-error inputs are needed
void new Add()
expectType<Equal<OutputsOf<typeof Add>['meta'], { readonly steps: string[] }>>()
expectType<Equal<OutputsOf<typeof Add>['sum'], number>>()
expectType<Equal<OutputsOf<typeof Add>['note'], string | undefined>>()
expectType<Equal<ResultOf<typeof Add>, number>>()

// The statement style compiles, untyped.
export class Legacy extends Process<typeof Legacy> {
  static override define(spec: ProcessSpec): void {
    super.define(spec)
    spec.input('anything')
    spec.output('greeting')
    spec.inputs.dynamic = true
    spec.exitCode(300, 'ERROR', 'failed')
  }
  override run(): void {
    expectType<Equal<(typeof this.inputs)[string], unknown>>()
    this.out('greeting', `Hello ${String(this.inputs['anything'])}`)
    this.exitCodes['ERROR']?.()
  }
}
void new Legacy({ whatever: 1 })
void new Legacy()
expectType<Equal<ResultOf<typeof Legacy>, unknown>>()
export class Bare extends Process {
  override run(): void {
    this.out('x', this.inputs['y'])
  }
}
void new Bare({ y: 1 })

// Inheriting keeps the types; a port may be made stricter, and a default may be added.
export class AddMul extends Add {
  static override define(spec: ProcessSpec) {
    return super
      .define(spec)
      .input('a', { schema: { type: 'number' }, default: 10 })
      .input('c', { schema: { type: 'boolean' } })
      .output('product', { schema: { type: 'number' } })
  }
  declare readonly inputs: InputsOf<typeof AddMul>
  declare readonly '~class': typeof AddMul
  override run(): void {
    expectType<Equal<typeof this.inputs.c, boolean>>()
    expectType<Equal<typeof this.inputs.a, number>>()
    this.out('sum', 1)
  }
}
const addMul: LaunchInputsOf<typeof AddMul> = { c: true }
export { addMul }
// @ts-expect-error c is required
const noC: LaunchInputsOf<typeof AddMul> = { a: 1 }
export { noC }

// A port that is declared again in the same chain is replaced.
export class Anew extends Process<typeof Anew> {
  static override define(spec: ProcessSpec) {
    return spec
      .exposeInputs(Add)
      .input('a', { schema: { type: 'string' }, required: false })
      .input('opts.tol', { schema: { type: 'string' } })
  }
}
expectType<Equal<InputsOf<typeof Anew>['a'], string | undefined>>()
expectType<Equal<InputsOf<typeof Anew>['opts'], { readonly basis?: string | null; readonly tol: string }>>()

// Exposing keeps the types.
export class Twice extends Process<typeof Twice> {
  static override define(spec: ProcessSpec) {
    return spec
      .exposeInputs(Add, { namespace: 'add', exclude: ['label', 'opts.basis'] })
      .exposeInputs(Add, { namespace: 'deep.er', include: ['a', 'opts.tol'] })
      .exposeInputs(Add, { namespace: 'none', include: [] })
      .exposeInputs(Add, { namespace: 'maybe', include: ['a'], namespaceOptions: { required: false } })
      .exposeInputs(Legacy, { namespace: 'legacy' })
      .exposeOutputs(Add, { exclude: ['trace'] })
      .output('twice', { schema: { type: 'number' } })
  }
  override run(): void {
    this.out('twice', 2 * this.inputs.add.a)
    this.out('sum', 1)
    expectType<Equal<typeof this.inputs.add.opts, { readonly tol: number }>>()
    expectType<
      Equal<typeof this.inputs.deep.er, { readonly a: number; readonly opts: { readonly tol: number } }>
    >()
    expectType<Equal<typeof this.inputs.none, {}>>()
    expectType<Equal<typeof this.inputs.maybe, { readonly a: number } | undefined>>()
    expectType<Equal<(typeof this.inputs.legacy)[string], unknown>>()
    // @ts-expect-error excluded
    void this.inputs.add.label
    // @ts-expect-error not exposed
    this.out('trace.first', true)
  }
}
void new Twice({ add: { a: 1 }, deep: { er: { a: 2 } } })
// @ts-expect-error deep.er.a is required
void new Twice({ add: { a: 1 } })

export function wrongExposing(spec: ProcessSpec): void {
  // @ts-expect-error there is no such port
  spec.exposeInputs(Add, { exclude: ['lable'] })
  // @ts-expect-error there is no such port
  spec.exposeInputs(Add, { include: ['opts.tool'] })
  // @ts-expect-error there is no such option
  spec.exposeInputs(Add, { namespaceOptions: { requird: false } })
}

export class TopLevel extends Process<typeof TopLevel> {
  static override define(spec: ProcessSpec) {
    return spec.input('own', { schema: { type: 'string' } }).exposeInputs(Add, { include: ['a', 'weights'] })
  }
}
expectType<Equal<InputsOf<typeof TopLevel>['a'], number>>()
expectType<Equal<InputsOf<typeof TopLevel>['own'], string>>()
expectType<Equal<InputsOf<typeof TopLevel>['weights'][string], number>>()

// Classes and Standard Schemas.
class Structure {
  readonly symbols: string[] = []
}
interface Cell {
  readonly a: number
}
const cellSchema: JSONSchemaType<Cell> = {
  type: 'object',
  required: ['a'],
  properties: { a: { type: 'number' } },
}
const Point = Type.Object({ x: Type.Number(), y: Type.Optional(Type.String()) })
export class Kinds extends Process<typeof Kinds> {
  static override define(spec: ProcessSpec) {
    return spec
      .input('when', { instanceOf: Date })
      .input('structure', { instanceOf: Structure })
      .input('data', { instanceOf: [Float64Array, Float32Array] })
      .input('count', { instanceOf: [Number, BigInt] })
      .input('zod', { schema: z.object({ n: z.number(), s: z.string().optional() }) })
      .input('valibot', { schema: v.object({ n: v.number() }), default: { n: 1 } })
      .input('arktype', { schema: arktype({ n: 'number' }) })
      .input('text', { schema: z.string().transform((text) => text.length) })
      .input('cell', { schema: typed<Cell>(cellSchema) })
      .input('point', { schema: typed<Static<typeof Point>>(Point) })
      .input('made', { schema: { type: 'array', items: { type: 'integer' } }, default: () => [1, 2] })
      .input('either', { schema: { anyOf: [{ type: 'string' }, { type: 'boolean' }] } })
      .input('table', { schema: { type: 'object', additionalProperties: { type: 'number' } } })
      .input('maybe', { schema: { type: 'string', nullable: true } })
      .inputNamespace('files', { instanceOf: Uint8Array, required: false })
      .inputNamespace('lazy', { populateDefaults: false, required: false })
      .input('lazy.tol', { schema: { type: 'number' }, default: 1 })
      .input('lazy.must', { schema: { type: 'number' } })
      .inputNamespace('filled', { required: false })
      .input('filled.tol', { schema: { type: 'number' }, default: 1 })
      .inputNamespace('half', { required: false })
      .input('half.must', { schema: { type: 'number' } })
      .inputNamespace('mixed', { dynamic: true, instanceOf: Date })
      .input('mixed.n', { schema: { type: 'number' }, default: 1 })
  }
}
type K = InputsOf<typeof Kinds>
expectType<Equal<K['when'], Date>>()
expectType<Equal<K['structure'], Structure>>()
expectType<Equal<K['data'], Float64Array | Float32Array>>()
expectType<Equal<K['count'], number | bigint>>()
expectType<Equal<K['zod'], { n: number; s?: string | undefined }>>()
expectType<Equal<K['valibot'], { n: number }>>()
expectType<Equal<K['arktype'], { n: number }>>()
// A port keeps what it is given, so what is read is what the schema takes, not what it would make.
expectType<Equal<K['text'], string>>()
expectType<Equal<K['cell'], Cell>>()
expectType<Equal<K['point'], { x: number; y?: string }>>()
expectType<Equal<K['made'], number[]>>()
expectType<Equal<K['either'], string | boolean>>()
expectType<Equal<K['table'], Record<string, number>>>()
expectType<Equal<K['maybe'], string | null>>()
expectType<Equal<NonNullable<K['files']>[string], Uint8Array>>()
expectType<Equal<K['lazy'], { readonly tol: number; readonly must: number } | undefined>>()
expectType<Equal<K['filled'], { readonly tol: number }>>()
expectType<Equal<K['half'], { readonly must: number } | undefined>>()
expectType<Equal<K['mixed']['n'], number>>()
expectType<Equal<K['mixed']['other'], Date>>()

export function wrongOptions(spec: ProcessSpec): void {
  // @ts-expect-error the default is no number
  spec.input('a', { schema: { type: 'number' }, default: 'x' })
  // @ts-expect-error nor does the function make one
  spec.input('a', { schema: { type: 'number' }, default: () => 'x' })
  // @ts-expect-error a misspelled option
  spec.input('a', { shcema: { type: 'number' } })
  // @ts-expect-error no type of JSON Schema
  spec.input('a', { schema: { type: 'nubmer' } })
  // @ts-expect-error an output has no default
  spec.output('a', { default: 1 })
  spec.input('a', {
    schema: { type: 'number' },
    validator: (value, port) => {
      expectType<Equal<typeof value, number>>()
      return value < 0 ? `${port.name} is below 0` : undefined
    },
  })
  spec.input('b', { instanceOf: Date, validator: (value) => (value.getTime() > 0 ? undefined : 'too old') })
}

// A class that was typed by another one is refused where it is used.
declare function register<C extends abstract new (...args: never) => unknown>(
  processClass: C & SelfTyped<C>,
): void
class Pasted extends Process<typeof Add> {
  static override define(spec: ProcessSpec) {
    return spec.input('x', { schema: { type: 'number' } })
  }
}
class PastedUntyped extends Process<typeof Add> {
  static override define(spec: ProcessSpec): void {
    spec.input('x')
  }
}
register(Add)
register(Legacy)
register(Bare)
register(AddMul)
register(Twice)
register(Kinds)
// @ts-expect-error it names another class
register(Pasted)
// @ts-expect-error it names another class
register(PastedUntyped)
