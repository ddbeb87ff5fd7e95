import type { PortProblem } from '../shared/errors.ts'
import { isPlainObject } from './plain.ts'
import { join } from './port-name.ts'
import type { Schema } from './schema-type.ts'
import { isStandardSchema } from './schema-check.ts'

/**
 * Returns the problems of an undeclared value of a dynamic namespace. Undeclared values may nest:
 * an object that does not fit by itself is taken as a group of values, unless the schema describes
 * objects.
 */
export function undeclaredProblems(
  value: unknown,
  path: string,
  schema: Schema | undefined,
  check: (value: unknown, path: string) => PortProblem[],
): PortProblem[] {
  const problems: PortProblem[] = []
  const nests = !speaksOfObjects(schema)
  const above = new Set<object>()
  const look = (value: unknown, path: string): void => {
    const direct = check(value, path)
    if (direct.length === 0) return
    if (!nests || !isPlainObject(value)) {
      problems.push(...direct)
      return
    }
    if (above.has(value)) {
      problems.push({ port: path, message: 'holds itself' })
      return
    }
    above.add(value)
    for (const name of Object.keys(value)) look(value[name], join(path, name))
    above.delete(value)
  }
  look(value, path)
  return problems
}

function speaksOfObjects(schema: Schema | undefined): boolean {
  if (schema === undefined || isStandardSchema(schema)) return false
  return (
    schema.properties !== undefined ||
    schema.type === 'object' ||
    (Array.isArray(schema.type) && schema.type.includes('object'))
  )
}
