import type { NamespaceDescription, PortDescription } from '../../index.ts'

/** Returns a row for each port of a namespace and its inner namespaces: dotted name, type, whether it is required, help. */
export function portRows(namespace: NamespaceDescription, prefix = ''): string[][] {
  const rows = Object.entries(namespace.ports).flatMap(([name, port]) => {
    const path = prefix + name
    const row = portRow(path, port)
    return isNamespace(port) ? [row, ...portRows(port, `${path}.`)] : [row]
  })
  if (namespace.dynamic) rows.push([`${prefix}*`, valueText(namespace), '', 'any other name'])
  return rows
}

/** Returns the row of one port: name, type, whether it is required, help. */
export function portRow(path: string, port: PortDescription): string[] {
  return [path, typeText(port), needText(port), oneLine(port.help)]
}

function isNamespace(port: PortDescription): port is NamespaceDescription {
  return 'ports' in port
}

function typeText(port: PortDescription): string {
  return isNamespace(port) ? 'namespace' : valueText(port)
}

function valueText({ instanceOf, schema }: Pick<PortDescription, 'instanceOf' | 'schema'>): string {
  if (instanceOf !== undefined) return instanceOf.join(' or ')
  if (typeof schema !== 'object' || schema === null) return typeof schema === 'string' ? schema : 'any value'
  const { type, enum: values, const: value, ...rules } = schema as Readonly<Record<string, unknown>>
  if (Array.isArray(values)) return values.map((one) => JSON.stringify(one)).join(' or ')
  if (value !== undefined) return JSON.stringify(value)
  const members = type === 'object' ? membersText(rules) : undefined
  if (members !== undefined) return members
  const known = Array.isArray(type) ? type.join(' or ') : type
  const others = Object.entries(rules)
    .filter(([name, rule]) => typeof rule !== 'object' && !['title', 'description', '$schema'].includes(name))
    .map(([name, rule]) => `${name} ${String(rule)}`)
  return typeof known === 'string' ? [known, ...others].join(', ') : JSON.stringify(schema)
}

/** `{ by: string, ok?: boolean }`; undefined if the schema names no properties. */
function membersText({ properties, required }: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof properties !== 'object' || properties === null) return undefined
  const isRequired = (name: string): boolean => Array.isArray(required) && required.includes(name)
  const members = Object.entries(properties).map(
    ([name, schema]) => `${name}${isRequired(name) ? '' : '?'}: ${valueText({ schema })}`,
  )
  return members.length === 0 ? undefined : `{ ${members.join(', ')} }`
}

function needText(port: PortDescription): string {
  if ('default' in port) return `default ${JSON.stringify(port.default)}`
  if (isNamespace(port)) return port.required ? '' : 'optional'
  return port.required ? 'required' : 'optional'
}

function oneLine(help: string | undefined): string {
  return help?.replaceAll(/\s+/g, ' ') ?? ''
}
