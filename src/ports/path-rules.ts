import { SpecError } from '../shared/errors.ts'
import { suggestion } from '../shared/nearest.ts'
import { preview } from './plain.ts'
import type { Port } from './port.ts'
import type { PortNamespace } from './port-namespace.ts'

/** Which ports of a namespace are taken over, by dotted names: all, only some, or all but some. */
export class PathRules {
  readonly #include: readonly string[] | undefined
  readonly #exclude: readonly string[] | undefined

  /** Throws a `SpecError` when both are given, or for a name that the namespace does not have. */
  constructor(
    namespace: PortNamespace,
    include: readonly string[] | undefined,
    exclude: readonly string[] | undefined,
  ) {
    if (include !== undefined && exclude !== undefined)
      throw new SpecError('include and exclude contradict each other; give one of them')
    this.#include = include
    this.#exclude = exclude
    for (const rules of [include, exclude]) {
      if (rules === undefined) continue
      if (!Array.isArray(rules))
        throw new SpecError(`include and exclude are lists of dotted names, not ${preview(rules)}`)
      for (const rule of rules as readonly unknown[]) checkRule(namespace, rule, rules === exclude)
    }
  }

  takes(name: string): boolean {
    if (this.#include !== undefined)
      return this.#include.some((rule) => rule === name || rule.startsWith(`${name}.`))
    return this.#exclude === undefined || !this.#exclude.includes(name)
  }

  /** The rules for what is inside the namespace of that name. */
  below(name: string, namespace: PortNamespace): PathRules {
    const strip = (rules: readonly string[] | undefined) =>
      rules?.filter((rule) => rule.startsWith(`${name}.`)).map((rule) => rule.slice(name.length + 1))
    // The name alone includes all of it.
    const include = this.#include?.includes(name) === true ? undefined : strip(this.#include)
    return new PathRules(namespace, include, strip(this.#exclude))
  }

  /** Excluded names that a dynamic namespace does not declare. */
  unknown(namespace: PortNamespace): string[] {
    return this.#exclude?.filter((rule) => !rule.includes('.') && !namespace.has(rule)) ?? []
  }
}

/** A misspelled rule would take over too much or too little without a word. */
function checkRule(namespace: PortNamespace, rule: unknown, excluding: boolean): void {
  if (typeof rule !== 'string')
    throw new SpecError(`include and exclude take dotted names, not ${preview(rule)}`)
  let at = namespace
  const parts = rule.split('.')
  for (const [i, part] of parts.entries()) {
    const port = at.get(part)
    if (port === undefined) {
      if (excluding && at.dynamic && i === parts.length - 1) return
      throw new SpecError(
        `there is no port '${rule}' to ${excluding ? 'exclude' : 'include'}${suggestion(part, at.keys())}`,
      )
    }
    if (i === parts.length - 1) return
    if (!isNamespace(port)) throw new SpecError(`'${part}' is a port: there is no '${rule}' in it`)
    at = port
  }
}

// Not by instanceof: the namespace imports this file.
function isNamespace(port: Port): port is PortNamespace {
  return 'populateDefaults' in port
}
