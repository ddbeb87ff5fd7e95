import type { StandardSchemaV1 } from '@standard-schema/spec'

/**
 * The part of JSON Schema from which a TypeScript type is inferred. At run time ajv checks every
 * keyword.
 */
export interface JsonSchema {
  readonly type?: JsonType | readonly JsonType[]
  readonly nullable?: boolean
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly properties?: { readonly [name: string]: JsonSchema | boolean }
  readonly required?: readonly string[]
  readonly [keyword: string]: unknown
}
export type JsonType = 'string' | 'number' | 'integer' | 'boolean' | 'null' | 'array' | 'object'

/** A JSON Schema, or any Standard Schema (zod, valibot, arktype, …). */
export type Schema = JsonSchema | StandardSchemaV1

/** A JSON Schema whose type is stated, not inferred; see `typed`. */
export type TypedSchema<T> = JsonSchema & { readonly '~type': T }

/**
 * A class whose instances are accepted; `Number`, `String`, `Boolean`, `BigInt` and `Function` mean
 * the plain values.
 */
export type Constructor = (abstract new (...args: never) => unknown) | BigIntConstructor
/** A constructor, or a list of constructors of which one must fit. */
export type InstanceOf = Constructor | readonly Constructor[]

/** The type of the values that a port with this schema or these classes accepts. */
export type ValueType<S, I = undefined> = [I] extends [undefined]
  ? [S] extends [undefined]
    ? unknown
    : SchemaType<S>
  : InstanceType<I>

/**
 * The type of the values that a schema accepts. A port never changes a value, so for a Standard
 * Schema with a transform this is the input type, also for reading.
 */
export type SchemaType<S> = S extends StandardSchemaV1
  ? StandardSchemaV1.InferInput<S>
  : S extends { readonly '~type': infer T }
    ? T
    : JsonSchemaType<S>

type InstanceType<I> = I extends readonly (infer C)[] ? OneInstance<C> : OneInstance<I>
type OneInstance<C> = C extends NumberConstructor
  ? number
  : C extends StringConstructor
    ? string
    : C extends BooleanConstructor
      ? boolean
      : C extends BigIntConstructor
        ? bigint
        : // The type that `new` returns is too narrow for typed arrays, which may view any buffer.
          C extends { readonly prototype: infer T }
          ? T
          : unknown

type JsonSchemaType<S> = S extends { readonly nullable: true } ? NotNull<S> | null : NotNull<S>

type NotNull<S> = S extends { readonly const: infer V }
  ? V
  : S extends { readonly enum: readonly (infer V)[] }
    ? V
    : S extends { readonly anyOf: readonly (infer U)[] }
      ? SchemaType<U>
      : S extends { readonly oneOf: readonly (infer U)[] }
        ? SchemaType<U>
        : S extends { readonly type: readonly (infer U)[] }
          ? FromType<U, S>
          : S extends { readonly type: infer U }
            ? FromType<U, S>
            : unknown

type FromType<U, S> = U extends 'string'
  ? string
  : U extends 'number' | 'integer'
    ? number
    : U extends 'boolean'
      ? boolean
      : U extends 'null'
        ? null
        : U extends 'array'
          ? FromItems<S>
          : U extends 'object'
            ? FromObject<S>
            : unknown

type FromItems<S> = S extends { readonly items: infer E }
  ? E extends readonly unknown[]
    ? unknown[]
    : SchemaType<E>[]
  : unknown[]

type FromObject<S> = S extends { readonly properties: infer P }
  ? Simplify<
      { [K in keyof P as K extends RequiredOf<S> ? K : never]: SchemaType<P[K]> } & {
        [K in keyof P as K extends RequiredOf<S> ? never : K]?: SchemaType<P[K]>
      }
    >
  : S extends { readonly additionalProperties: infer V extends JsonSchema }
    ? Record<string, SchemaType<V>>
    : Record<string, unknown>
type RequiredOf<S> = S extends { readonly required: readonly (infer R)[] } ? R : never

export type Simplify<T> = { [K in keyof T]: T[K] } & {}

/**
 * States the type of a JSON Schema that can't be inferred, such as a schema built at run time or
 * one that ajv's `JSONSchemaType` or TypeBox describes. Nothing checks that the type is right.
 */
export function typed<T>(schema: object): TypedSchema<T> {
  // The property that carries the type exists only for the compiler.
  return schema as TypedSchema<T>
}
