/*
 * Checks values by schemas. Each schema object is compiled once, no matter how many ports,
 * subclasses and exposing classes share it.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { Ajv, type ErrorObject, type Options, type ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { errorText } from '../shared/error-text.ts'
import { SpecError, type PortProblem } from '../shared/errors.ts'
import { suggestion } from '../shared/nearest.ts'
import { differenceOf } from './difference.ts'
import { preview } from './plain.ts'
import type { Schema } from './schema-type.ts'

/** Returns the problems of a value, or undefined if it fits. */
export type Check = (value: unknown) => readonly string[] | undefined

const checks = new WeakMap<object, Check>()

/**
 * Returns the check of a schema.
 *
 * @throws SpecError for an invalid schema
 */
export function checkOf(schema: Schema): Check {
  if ((typeof schema !== 'object' && typeof schema !== 'function') || schema === null)
    throw new SpecError(`a schema is a JSON Schema or a Standard Schema, not ${preview(schema)}`)
  const known = checks.get(schema)
  if (known !== undefined) return known
  const made = isStandardSchema(schema) ? standardCheck(schema) : jsonCheck(schema)
  checks.set(schema, made)
  return made
}

export function isStandardSchema(schema: object): schema is StandardSchemaV1 {
  const standard: unknown = (schema as { '~standard'?: unknown })['~standard']
  return typeof standard === 'object' && standard !== null && 'validate' in standard
}

function standardCheck(schema: StandardSchemaV1): Check {
  const standard = schema['~standard']
  return (value) => {
    const result = standard.validate(value)
    if (result instanceof Promise || typeof (result as { then?: unknown }).then === 'function') {
      // No one awaits the promise, so its failure must not become an unhandled rejection.
      void Promise.resolve(result).catch(() => undefined)
      return [
        `its schema (${standard.vendor}) returns a promise; ports are checked synchronously, so use a synchronous schema`,
      ]
    }
    const { issues } = result
    if (issues !== undefined)
      return issues.map(({ message, path }) => {
        const at = (path ?? []).map((part) => (typeof part === 'object' ? part.key : part))
        return at.length === 0 ? message : `${pathText(at)}: ${message}`
      })
    const difference = differenceOf(value, result.value)
    if (difference === undefined) return undefined
    const at = difference.path.length === 0 ? '' : `${pathText(difference.path)}: `
    return [
      `${at}its schema ${difference.what}, but a port keeps the given value; give the value that the schema would make, or declare a schema without a transform`,
    ]
  }
}

// Tuples and unions of types are common, so strict mode must refuse only misspelled keywords.
const options: Options = {
  allErrors: true,
  strictTypes: false,
  strictTuples: false,
  verbose: true,
  logger: false,
}
const engines = new Map<string, Ajv>()

/** Returns the validator for draft 7, unless the schema names a newer draft in `$schema`. */
function ajvFor(schema: object): Ajv {
  const draft = /2019-09|2020-12/.test(String((schema as { $schema?: unknown }).$schema))
    ? '2020-12'
    : 'draft-07'
  let ajv = engines.get(draft)
  if (ajv === undefined) {
    ajv = draft === 'draft-07' ? new Ajv(options) : new Ajv2020(options)
    formats.default(ajv)
    engines.set(draft, ajv)
  }
  return ajv
}

/**
 * Returns a check of values by the JSON Schema of their namespace, as `toJSONSchema` made it. Each
 * problem has the full path of its port. Create the check once for each schema. `isOpen`: whether a
 * value of that port is still to come, so that only its name can be wrong.
 */
export function namespaceCheck(
  schema: object,
  base: string,
): (values: unknown, isOpen?: (port: string) => boolean) => PortProblem[] {
  const validate = compiled(schema)
  return (values, isOpen) => {
    if (validate(values)) return []
    return (validate.errors ?? []).filter(isTelling).flatMap((error) => {
      const { requiredPort, unknownPort } = portsOf(error)
      const path = [base, ...pointer(error.instancePath), requiredPort ?? unknownPort].filter(
        (part) => part !== undefined,
      )
      const message = requiredPort === undefined ? plainMessage(error) : 'is required, but was not given'
      const port = pathText(path.filter((part) => part !== ''))
      return isOpen?.(port) === true && !isUndeclared(error) ? [] : [{ port, message }]
    })
  }
}

/** Whether a name is not declared, whatever its value is: not only in one of several alternatives. */
function isUndeclared({ keyword, schemaPath }: ErrorObject): boolean {
  return (
    keyword === 'additionalProperties' && /^#\/(properties\/[^/]+\/)*additionalProperties$/.test(schemaPath)
  )
}

/** The port that an error of its namespace is about. */
function portsOf({ keyword, params }: ErrorObject): {
  readonly requiredPort?: string | undefined
  readonly unknownPort?: string | undefined
} {
  const { missingProperty, additionalProperty } = params as Record<string, string | undefined>
  if (keyword === 'required') return { requiredPort: missingProperty }
  return keyword === 'additionalProperties' ? { unknownPort: additionalProperty } : {}
}

function jsonCheck(schema: object): Check {
  const simple = simpleCheck(schema)
  if (simple !== undefined) return simple
  const validate = compiled(schema)
  return (value) => (validate(value) ? undefined : validate.errors!.filter(isTelling).map(messageOf))
}

function compiled(schema: object): ValidateFunction {
  if ((schema as { $async?: unknown }).$async === true)
    throw new SpecError('not a schema for a port: it has $async, but ports are checked synchronously')
  const ajv = ajvFor(schema)
  try {
    return ajv.compile(schema)
  } catch (error) {
    const text = errorText(error)
    const wrong = /unknown keyword: "(.*)"/.exec(text)?.[1]
    const hint = wrong === undefined ? '' : suggestion(wrong, Object.keys(ajv.RULES.all))
    throw new SpecError(`not a JSON Schema: ${text}${hint}`, { cause: error })
  } finally {
    // ajv keeps every schema by object and by $id; a subclass declares the same $id again.
    ajv.removeSchema(schema)
  }
}

/** Leaves out `must match "then" schema`, since the error of the branch says more. */
function isTelling(error: ErrorObject, _: number, all: ErrorObject[]): boolean {
  return all.length === 1 || error.keyword !== 'if'
}

function messageOf(error: ErrorObject): string {
  const at = error.instancePath === '' ? '' : `${pathText(pointer(error.instancePath))}: `
  return `${at}${plainMessage(error)}`
}

function plainMessage({ keyword, message, params, data, parentSchema }: ErrorObject): string {
  const given = params as Record<string, unknown>
  const said = message ?? `does not fit its schema (${keyword})`
  if (keyword === 'enum')
    return `must be one of ${(given.allowedValues as unknown[]).map(preview).join(', ')}, not ${preview(data)}`
  if (keyword === 'const') return `must be ${preview(given.allowedValue)}, not ${preview(data)}`
  if (keyword === 'required') return `must have a '${String(given.missingProperty)}'`
  if (keyword === 'additionalProperties') {
    const wrong = String(given.additionalProperty)
    const known = (parentSchema as { properties?: object } | undefined)?.properties ?? {}
    return `has no '${wrong}'${suggestion(wrong, Object.keys(known))}`
  }
  return typeof data === 'object' && data !== null && keyword !== 'type'
    ? said
    : `${said}, not ${preview(data)}`
}

function pointer(text: string): string[] {
  return text
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** Writes a path as code would: `a.b[2]`. */
function pathText(parts: readonly PropertyKey[]): string {
  let text = ''
  for (const part of parts) {
    const name = String(part)
    if (/^\d+$/.test(name)) text += `[${name}]`
    else text += text === '' ? name : `.${name}`
  }
  return text
}

const types: Record<string, (value: unknown) => boolean> = {
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number' && Number.isFinite(value),
  integer: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === 'boolean',
}

/** A schema that only names a type needs no compiler. Most ports have such a schema. */
function simpleCheck(schema: object): Check | undefined {
  const { type } = schema as { type?: unknown }
  if (typeof type !== 'string' || !Object.hasOwn(types, type)) return undefined
  if (!Object.keys(schema).every((key) => key === 'type')) return undefined
  const fits = types[type]!
  return (value) => (fits(value) ? undefined : [`must be ${type}, not ${preview(value)}`])
}
