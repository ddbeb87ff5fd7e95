import type { Parts, Upstream } from '../../persistence/contract/writes.ts'
import type { PortProblem } from '../../shared/errors.ts'
import type { AnySpec } from '../../spec/process-spec.ts'
import { needsOf, type SavedDependency } from '../../process/references/dependency.ts'
import { isReference } from '../../process/references/reference.ts'
import { savedReferences } from '../../process/references/saved-references.ts'
import { Search } from '../../process/references/search.ts'

/*
 * Launches whose inputs refer to other processes, or that start after others. The part `inputs`
 * keeps the references even after the process has started, so that a resubmitted process refers to
 * the same processes. The part `launch` notes that there are references (`refers`), and has the
 * dependency.
 */

/** What the part `launch` keeps for a launch with references or a dependency. */
export interface SavedUpstream {
  readonly refers?: true
  readonly after?: SavedDependency
}

/** The parts of a new process, with the references and dependency noted in the part `launch`. */
export function withSavedUpstream(parts: Parts, { refers, after }: SavedUpstream): Parts {
  if (refers !== true && after === undefined) return parts
  const launch = JSON.parse(parts['launch'] ?? '{}') as object
  const kept = { ...launch, ...(refers === true && { refers }), ...(after !== undefined && { after }) }
  return { ...parts, launch: JSON.stringify(kept) }
}

export function savedUpstream({ launch }: Parts): SavedUpstream {
  return launch === undefined ? {} : (JSON.parse(launch) as SavedUpstream)
}

/** The needs of a process with these parts that is created at this time; null if it has none. */
export function upstreamOf(parts: Parts, createdAt: number): Upstream | null {
  const { refers, after } = savedUpstream(parts)
  const needs = needsOf(refers === true ? savedReferences(parts['inputs'] ?? '{}') : [], after)
  if (needs.length === 0) return null
  return { needs, until: after?.timeout === undefined ? null : createdAt + after.timeout }
}

/** The problems of inputs, as far as they are known before the values of other processes are. */
export function knownProblems(
  { inputs }: AnySpec,
  given: Readonly<Record<string, unknown>> | undefined,
): readonly PortProblem[] {
  return inputs.validateAround(inputs.preProcess(given), 'inputs', holdsReference)
}

/** Whether a reference stands for the value of a port, or for a value within it. */
export function openPorts(given: Readonly<Record<string, unknown>>): (port: string) => boolean {
  let open: readonly string[] | undefined
  return (port) => {
    if (open === undefined) {
      const search = Search.for(given, isReference)
      open = search?.found.map((item) => search.pathTo(item, 'inputs')) ?? []
    }
    return open.some((path) => isWithin(path, port) || isWithin(port, path))
  }
}

function isWithin(path: string, outer: string): boolean {
  return path.startsWith(outer) && (path.length === outer.length || '.['.includes(path.charAt(outer.length)))
}

function holdsReference(value: unknown): boolean {
  return Search.for(value, isReference) !== undefined
}
