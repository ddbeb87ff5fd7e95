import { statSync } from 'node:fs'
import { InvalidArgumentError, type Command } from 'commander'
import { type AnyActorClass, type AnyProcessClass, Engine, type PruneOptions } from '../../index.ts'
import { withoutPassword } from '../../shared/store-url.ts'
import { UsageError } from '../input/usage-error.ts'
import { loadRunnable } from '../input/load-module.ts'
import { stderrLogger } from '../render/stderr-logger.ts'
import { duration, wholeNumber, withStore, type StoreOptions } from '../input/options.ts'
import { failureText, watchFailures } from '../read/failures.ts'
import { keepStdoutClean, note, printJson } from '../render/output.ts'
import { onStop } from '../input/stop-signal.ts'
import { paragraphs } from '../render/wrap.ts'

export function addWorker(program: Command): void {
  withStore(program.command('worker'))
    .description('Run the processes of a store until Ctrl-C or SIGTERM.')
    .argument(
      '<module...>',
      'TypeScript or JavaScript files; the worker runs every process class that they export, and actors of the classes in an exported list `actors`',
    )
    .option('--concurrency <number>', 'run at most this many steps at a time (default: 100)', wholeNumber)
    .option(
      '--label <label>',
      'also run processes that were launched for engines with this label; may be repeated',
      several,
    )
    .option(
      '--prune-after <duration>',
      'delete processes this long after their end, such as 30d, if their class has no policy',
      duration,
    )
    .option(
      '--prune-keep <number>',
      'of each class without a policy, keep this many ended processes and delete older ones',
      wholeNumber,
    )
    .addHelpText(
      'after',
      paragraphs(`
The worker loads its modules once: start it again after a change of the code, before you retry or restart what failed.
Prints a line for each process that fails here: that is excepted, finishes without success, or is paused after its last attempt
or its third crash. Several workers may share one store. The first Ctrl-C waits up to 30 s for running steps to end and hands the
processes back to the store. The second Ctrl-C ends the program at once. Neither loses anything. With --json, the
worker prints a line when it is ready, one for each process that fails, and one when it has stopped.`),
    )
    .action(worker)
}

interface WorkerOptions extends StoreOptions {
  readonly concurrency?: number
  readonly label?: readonly string[]
  readonly pruneAfter?: number
  readonly pruneKeep?: number
}

async function worker(modules: readonly string[], options: WorkerOptions): Promise<void> {
  if (options.json) keepStdoutClean()
  const loadedAt = Date.now()
  const { processes, actors } = await loadAll(modules)
  const names = [...processes.keys(), ...actors.map((one) => one.actorName ?? one.name)]
  const began = Date.now()
  const engine = await Engine.open({
    store: options.store,
    processes: [...processes.values()],
    actors,
    concurrency: options.concurrency,
    labels: options.label,
    prune: pruneOf(options),
    handleSignals: false,
    logger: stderrLogger,
  })
  const stopped = new Promise<void>((resolve, reject) => {
    onStop(() => {
      note('stopping: running steps may end; Ctrl-C again stops at once')
      engine.close().then(resolve, reject)
    })
  })
  const noted = new Set<string>()
  const stopWatching = watchFailures(engine, engine.id, began, (failure) => {
    if (options.json) printJson({ event: 'failed', ...failure })
    else note(failureText(failure))
    for (const path of changedSince(loadedAt, modules, noted))
      note(`${path} has changed since this worker loaded it: start the worker again to run the new code`)
  })
  note(`ready: runs ${names.join(', ')} out of ${withoutPassword(options.store)}; Ctrl-C stops`)
  if (options.json) printJson({ event: 'ready', engine: engine.id, classes: names })
  await stopped
  stopWatching()
  note('stopped')
  if (options.json) printJson({ event: 'stopped', engine: engine.id })
}

/** Collects the values of an option that may be given several times. */
function several(text: string, before: readonly string[] = []): readonly string[] {
  if (text === '') throw new InvalidArgumentError('a label has at least one character')
  return [...before, text]
}

/** The modules that were written after a time and are not noted yet; notes them. */
function changedSince(time: number, modules: readonly string[], noted: Set<string>): readonly string[] {
  const changed = modules.filter((path) => {
    const written = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
    return written > time && !noted.has(path)
  })
  for (const path of changed) noted.add(path)
  return changed
}

function pruneOf({ pruneAfter: after, pruneKeep: keep }: WorkerOptions): PruneOptions | undefined {
  return after === undefined && keep === undefined ? undefined : { after, keep }
}

/** What a worker runs. */
interface Runnable {
  readonly processes: ReadonlyMap<string, AnyProcessClass>
  readonly actors: readonly AnyActorClass[]
}

/** @throws UsageError if two modules export different classes of one name */
async function loadAll(modules: readonly string[]): Promise<Runnable> {
  const actors = new Set<AnyActorClass>()
  const all = new Map<string, AnyProcessClass>()
  for (const path of modules) {
    const loaded = await loadRunnable(path)
    for (const one of loaded.actors) actors.add(one)
    for (const [name, processClass] of loaded.classes) {
      const other = all.get(name)
      if (other !== undefined && other !== processClass) {
        throw new UsageError(`two modules export different classes ${name}: set static processName in one`)
      }
      all.set(name, processClass)
    }
  }
  return { processes: all, actors: [...actors] }
}
