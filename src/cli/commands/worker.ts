import type { Command } from 'commander'
import { type AnyProcessClass, Engine } from '../../index.ts'
import { UsageError } from '../input/usage-error.ts'
import { loadClasses } from '../input/load-module.ts'
import { stderrLogger } from '../render/stderr-logger.ts'
import { withStore, type StoreOptions } from '../input/options.ts'
import { keepStdoutClean, note, printJson } from '../render/output.ts'
import { onStop } from '../input/stop-signal.ts'

export function addWorker(program: Command): void {
  withStore(program.command('worker'))
    .description('Run what is launched into the store, until Ctrl-C or SIGTERM.')
    .argument('<module...>', 'TypeScript or JavaScript files; all process classes that they export are run')
    .addHelpText(
      'after',
      `
Several workers may run on one store. The first Ctrl-C lets the steps that run end (30 s at most) and gives the rest
back, the second ends the program at once; nothing is lost either way. With --json, a line for "ready" and one for "stopped".`,
    )
    .action(worker)
}

async function worker(modules: readonly string[], options: StoreOptions): Promise<void> {
  if (options.json) keepStdoutClean()
  const processes = await loadAll(modules)
  const engine = await Engine.open({
    store: options.store,
    processes: [...processes.values()],
    handleSignals: false,
    logger: stderrLogger,
  })
  const stopped = new Promise<void>((resolve, reject) => {
    onStop(() => {
      note('stopping: steps that run may end; Ctrl-C again stops at once')
      engine.close().then(resolve, reject)
    })
  })
  note(`ready: runs ${[...processes.keys()].join(', ')} out of ${options.store}; Ctrl-C stops`)
  if (options.json) printJson({ event: 'ready', engine: engine.id, classes: [...processes.keys()] })
  // Nothing else has to keep the program alive: an engine that idles may hold no timer.
  const alive = setInterval(() => {}, 2 ** 30)
  await stopped
  clearInterval(alive)
  note('stopped')
  if (options.json) printJson({ event: 'stopped', engine: engine.id })
}

/** @throws UsageError where two modules have different classes of one name */
async function loadAll(modules: readonly string[]): Promise<ReadonlyMap<string, AnyProcessClass>> {
  const all = new Map<string, AnyProcessClass>()
  for (const path of modules) {
    for (const [name, processClass] of await loadClasses(path)) {
      const other = all.get(name)
      if (other !== undefined && other !== processClass) {
        throw new UsageError(`two modules export different classes ${name}: set static processName in one`)
      }
      all.set(name, processClass)
    }
  }
  return all
}
