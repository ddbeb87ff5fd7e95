import type { ClassRegistry } from '../bundle/loader.ts'
import type { ClassRow, LoadableClass } from '../persistence/contract/engines.ts'
import type { AnyProcessClass } from '../process/host/process-object.ts'
import { specOf } from '../spec/process-spec.ts'

/** What an engine with these classes can load: each up to its version (C9). */
export function loadable(classes: ClassRegistry<AnyProcessClass>): readonly LoadableClass[] {
  return [...classes].map(([name, processClass]) => ({ name, version: versionOf(processClass) }))
}

/** How the classes are described to those who launch by name, or send signals. */
export function classRows(classes: ClassRegistry<AnyProcessClass>): readonly ClassRow[] {
  return [...classes].map(([name, processClass]) => ({
    name,
    version: versionOf(processClass),
    inputs: JSON.stringify(specOf(processClass).toJSONSchema('inputs')),
    signals: JSON.stringify(specOf(processClass).signalSchemas()),
  }))
}

function versionOf(processClass: AnyProcessClass & { readonly version?: number }): number {
  return processClass.version ?? 1
}
