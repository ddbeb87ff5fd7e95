import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import { InputPort } from './input-port.ts'
import { isJson, isPlainObject } from './plain.ts'
import type { Port } from './port.ts'
import { PortNamespace } from './port-namespace.ts'
import type { Schema } from './schema-type.ts'
import { isStandardSchema } from './schema-check.ts'

type Json = Record<string, unknown>
const DRAFTS = {
  'draft-07': 'http://json-schema.org/draft-07/schema#',
  'draft-2020-12': 'https://json-schema.org/draft/2020-12/schema',
} as const
type Draft = keyof typeof DRAFTS

/**
 * Returns a JSON Schema of the values that a namespace accepts. Conditions that JSON Schema can't
 * express (classes, validators, schemas of vendors without a JSON Schema) are left open and
 * described in words.
 */
export function toJsonSchema(namespace: PortNamespace): Json {
  const draft: Draft = [...schemasIn(namespace)].some(isNewer) ? 'draft-2020-12' : 'draft-07'
  const definitions: Json = {}
  const schema = namespaceSchema(namespace, namespace.name, draft, definitions)
  return {
    $schema: DRAFTS[draft],
    ...schema,
    ...(Object.keys(definitions).length === 0 ? {} : { definitions }),
  }
}

function namespaceSchema(namespace: PortNamespace, path: string, draft: Draft, definitions: Json): Json {
  const properties: Json = {}
  const required: string[] = []
  for (const [name, port] of namespace) {
    const below = `${path}.${name}`
    properties[name] =
      port instanceof PortNamespace
        ? namespaceSchema(port, below, draft, definitions)
        : portSchema(port, below, draft)
    if (port instanceof PortNamespace ? mustBeGiven(port) : port.required) required.push(name)
  }
  return {
    type: 'object',
    ...about(namespace),
    ...(isJson(namespace.default) ? { default: namespace.default } : {}),
    properties,
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: namespace.dynamic ? undeclared(namespace, path, draft, definitions) : false,
  }
}

/** The schema of undeclared values: the namespace's schema, or objects of values that fit it. */
function undeclared(namespace: PortNamespace, path: string, draft: Draft, definitions: Json): unknown {
  if (namespace.schema === undefined) return namespace.instanceOf === undefined ? true : about(namespace)
  const $ref = `#/definitions/${path.replaceAll('~', '~0').replaceAll('/', '~1')}`
  definitions[path] = {
    anyOf: [
      embedded(namespace.schema, `${path}.*`, draft),
      { type: 'object', additionalProperties: { $ref } },
    ],
  }
  return { $ref }
}

function portSchema(port: Port, path: string, draft: Draft): Json {
  return {
    ...(port.schema === undefined ? {} : embedded(port.schema, path, draft)),
    ...about(port),
    ...(port instanceof InputPort && isJson(port.default) ? { default: port.default } : {}),
  }
}

/** Whether a namespace must be given, because a port inside it must be given. */
function mustBeGiven(namespace: PortNamespace): boolean {
  if (!namespace.required || namespace.hasDefault()) return false
  for (const port of namespace.values())
    if (port instanceof PortNamespace ? mustBeGiven(port) : port.required) return true
  return false
}

function about(port: Port): Json {
  const { instanceOf } = port.getDescription()
  const words = [
    port.help?.trim(),
    instanceOf === undefined ? undefined : `An instance of ${instanceOf.join(' or ')}.`,
  ]
  if (port.schema !== undefined && isStandardSchema(port.schema) && converter(port.schema) === undefined)
    words.push(`Checked by a schema of ${port.schema['~standard'].vendor}.`)
  const description = words.filter((word) => word !== undefined && word !== '').join(' ')
  return description === '' ? {} : { description }
}

function embedded(schema: Schema, path: string, draft: Draft): Json {
  const { $schema: _, ...made } = isStandardSchema(schema) ? converted(schema, draft) : (schema as Json)
  // References to '#' mean this schema itself. An $id keeps them valid inside another schema.
  return made['$id'] === undefined && refersToItself(made)
    ? { $id: `damson:${encodeURIComponent(path)}`, ...made }
    : made
}

function converter(schema: StandardSchemaV1): StandardJSONSchemaV1.Converter['input'] | undefined {
  const { jsonSchema } = (schema as Partial<StandardJSONSchemaV1> & StandardSchemaV1)['~standard'] as {
    jsonSchema?: { input?: unknown }
  }
  return typeof jsonSchema?.input === 'function'
    ? (jsonSchema as StandardJSONSchemaV1.Converter).input.bind(jsonSchema)
    : undefined
}

/** The JSON Schema of a vendor's schema, or an open schema if the vendor can't convert it. */
function converted(schema: StandardSchemaV1, target: Draft): Json {
  try {
    const json: unknown = converter(schema)?.({ target })
    return isPlainObject(json) && isJson(json) ? json : {}
  } catch {
    return {}
  }
}

function refersToItself(schema: unknown): boolean {
  if (Array.isArray(schema)) return schema.some(refersToItself)
  if (!isPlainObject(schema)) return false
  const { $ref } = schema
  return (typeof $ref === 'string' && $ref.startsWith('#')) || Object.values(schema).some(refersToItself)
}

function* schemasIn(namespace: PortNamespace): Iterable<Schema> {
  if (namespace.schema !== undefined) yield namespace.schema
  for (const port of namespace.values()) {
    if (port instanceof PortNamespace) yield* schemasIn(port)
    else if (port.schema !== undefined) yield port.schema
  }
}

function isNewer(schema: Schema): boolean {
  return !isStandardSchema(schema) && /2019-09|2020-12/.test(String(schema['$schema']))
}
