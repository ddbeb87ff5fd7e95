import { preview } from '../ports/plain.ts'
import { SpecError } from '../shared/errors.ts'

/** The classes for which specs are being defined. */
const owners = new WeakMap<object, object>()

/** Notes the class for which a spec is being defined. Its methods have the names of its members. */
export function setOwner(spec: object, processClass: object): void {
  owners.set(spec, processClass)
}

/**
 * The name under which a class has a method, whatever name the function has itself: a decorator may
 * have replaced the method. Undefined if no class in the chain has that very function.
 */
export function memberName(processClass: object, method: unknown): string | undefined {
  let at: unknown = Reflect.get(processClass, 'prototype')
  for (; typeof at === 'object' && at !== null; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) {
      if (name !== 'constructor' && Object.getOwnPropertyDescriptor(at, name)?.value === method) return name
    }
  }
  return undefined
}

/**
 * The name of a method that a spec is given by itself or by name. `where` and `expected` are for
 * messages.
 *
 * @throws SpecError for anything else
 */
export function methodName(spec: object, method: unknown, where: string, expected: string): string {
  if (typeof method !== 'function') return checkedName(method, where, expected)
  const name = nameOf(spec, method)
  if (name === '') throw new SpecError(`${where} is a function without a name: ${expected}`)
  return checkedName(name, where, expected)
}

/** @throws SpecError for anything but a name that a position can contain */
export function checkedName(name: unknown, where: string, expected: string): string {
  // These characters separate names in positions.
  if (typeof name === 'string' && name !== '' && !/[.#()\s]/.test(name)) return name
  throw new SpecError(`${where} is ${preview(name)}: ${expected}`)
}

function nameOf(spec: object, method: object): unknown {
  const owner = owners.get(spec)
  return (owner && memberName(owner, method)) ?? Reflect.get(method, 'name')
}
