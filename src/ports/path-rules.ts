import { SpecError } from '../shared/errors.ts'
import { suggestion } from '../shared/nearest.ts'
import { preview } from './plain.ts'
import { PortGroup } from './port-group.ts'

/**
 * Selects the ports that are taken over from a namespace: all, the included ones, or all but the
 * excluded ones.
 */
export class PathRules {
  readonly #include: readonly string[] | undefined
  readonly #exclude: readonly string[] | undefined

  /** @throws SpecError if both lists are given, or for a name that the namespace does not have */
  constructor(
    namespace: PortGroup,
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

  /** The rules for the ports inside the nested namespace `name`. */
  below(name: string, namespace: PortGroup): PathRules {
    const strip = (rules: readonly string[] | undefined) =>
      rules?.filter((rule) => rule.startsWith(`${name}.`)).map((rule) => rule.slice(name.length + 1))
    // The name of a namespace includes everything inside it.
    const include = this.#include?.includes(name) === true ? undefined : strip(this.#include)
    return new PathRules(namespace, include, strip(this.#exclude))
  }

  /** The excluded names that a dynamic namespace does not declare. */
  unknown(namespace: PortGroup): string[] {
    return this.#exclude?.filter((rule) => !rule.includes('.') && !namespace.has(rule)) ?? []
  }
}

/** Refuses a misspelled name, which would silently take over too much or too little. */
function checkRule(namespace: PortGroup, rule: unknown, excluding: boolean): void {
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
    if (!(port instanceof PortGroup)) throw new SpecError(`'${part}' is a port: there is no '${rule}' in it`)
    at = port
  }
}
