import type { Write } from '../contract/writes.ts'
import { neededPids } from '../rules/upstream.ts'
import { Wanted } from './wanted.ts'

/** What these writes will ask for, as far as they show it. What else the rules ask for is loaded then. */
export function wantedBy(writes: readonly Write[]): Wanted {
  const wanted = new Wanted()
  for (const write of writes) {
    if (write.kind !== 'complete') wanted.pids.add(write.pid)
    switch (write.kind) {
      case 'create': {
        wanted.created.add(write.pid)
        const { parent, actor, key, group, adopts = [], refers = [], wait } = write
        for (const pid of [parent, actor]) if (pid != null) wanted.pids.add(pid)
        if (key !== null) wanted.keys.add(key)
        for (const { pid, parent: above } of adopts) wanted.pids.add(pid).add(above)
        for (const pid of [...refers, ...neededPids(write), ...(wait?.on ?? [])]) wanted.pids.add(pid)
        if (group !== undefined) wanted.position(group.name, group.position)
        break
      }
      case 'advance':
        for (const pid of write.wait?.on ?? []) wanted.pids.add(pid)
        if (write.killsChildren !== undefined) wanted.trees.add(write.pid)
        if (write.crashedActor !== undefined) wanted.pids.add(write.crashedActor)
        break
      case 'record':
        for (const pid of write.waits?.for.on ?? []) wanted.pids.add(pid)
        for (const pid of [write.beside, write.crashedActor]) if (pid !== undefined) wanted.pids.add(pid)
        break
      case 'request':
        if (write.tree === true) wanted.trees.add(write.pid)
        break
      case 'calls':
        for (const { pid } of write.calls) wanted.pids.add(pid)
        break
      case 'complete':
        wanted.group(write.name)
        if (write.parent !== null) wanted.pids.add(write.parent)
        break
      default:
        break
    }
  }
  return wanted
}
