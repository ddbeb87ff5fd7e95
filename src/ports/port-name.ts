import { SpecError } from '../shared/errors.ts'
import { nameProblem } from '../shared/text.ts'
import { preview } from './plain.ts'

/** Splits a dotted name into its first part and the rest, if there is a rest. */
export function cut(name: string): [string, string | undefined] {
  const dot = name.indexOf('.')
  return dot === -1 ? [name, undefined] : [name.slice(0, dot), name.slice(dot + 1)]
}

/**
 * Like `cut`.
 *
 * @throws SpecError for an invalid name
 */
export function splitName(name: string): [string, string | undefined] {
  if (typeof name !== 'string') throw new SpecError(`the name of a port is text, not ${preview(name)}`)
  const wrong = wrongName(name)
  if (wrong !== undefined)
    throw new SpecError(name === '' || nameProblem(name) !== undefined ? wrong : `in '${name}' ${wrong}`)
  return cut(name)
}

export function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

/** Returns why no port can have this dotted name, or undefined if one can. */
export function wrongName(name: string): string | undefined {
  const problem = nameProblem(name, { empty: true })
  if (problem !== undefined) return `the name of a port ${problem}`
  const wrong = name.split('.').find((part) => part === '' || part === '__proto__')
  return wrong === undefined ? undefined : `'${wrong}' can't be the name of a port`
}

/** @throws SpecError for an invalid name of a single port */
export function checkName(name: string): void {
  if (typeof name !== 'string') throw new SpecError(`the name of a port is text, not ${preview(name)}`)
  if (name.includes('.'))
    throw new SpecError(`the name '${name}' has a dot; createPortNamespace and the spec nest by dots`)
  const wrong = wrongName(name)
  if (wrong !== undefined) throw new SpecError(wrong)
}
