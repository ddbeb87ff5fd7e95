import type { ClassRegistry } from '../bundle/loader.ts'
import type { ClassRow, LoadableClass } from '../persistence/contract/engines.ts'
import type { ActorClasses } from '../process/actor/actor-class.ts'
import { chunkName } from '../process/host/chunks.ts'
import type { AnyProcessClass } from '../process/host/process-object.ts'
import { specOf } from '../spec/process-spec.ts'

/** The classes that an engine can load, each up to its version (C9), and those of their chunks. */
export function loadable(classes: ClassRegistry<AnyProcessClass>): readonly LoadableClass[] {
  const known = [...classes].map(([name, processClass]) => ({ name, version: versionOf(processClass) }))
  return [...known, ...known.map(({ name, version }) => ({ name: chunkName(name), version }))]
}

/** The actor classes that an engine can load. */
export function loadableActors(classes: ActorClasses): readonly LoadableClass[] {
  return Array.from(classes, ([name]) => ({ name, version: 1 }))
}

/** The descriptions of the classes, for launches by name and for signals. */
export function classRows(classes: ClassRegistry<AnyProcessClass>): readonly ClassRow[] {
  return [...classes].map(([name, processClass]) => ({
    name,
    version: versionOf(processClass),
    inputs: JSON.stringify(specOf(processClass).toJSONSchema('inputs')),
    deadlineAfter: specOf(processClass).deadlineAfter ?? null,
    signals: JSON.stringify(specOf(processClass).signalSchemas()),
  }))
}

function versionOf(processClass: AnyProcessClass & { readonly version?: number }): number {
  return processClass.version ?? 1
}
