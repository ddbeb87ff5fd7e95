import { readdirSync, statSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import {
  type AnyActorClass,
  type AnyProcessClass,
  DamsonError,
  Process,
  registeredName,
} from '../../index.ts'
import * as damson from '../../index.ts'
import { nearest } from '../../shared/nearest.ts'
import { moduleLoader } from './module-loader.ts'
import { UsageError } from './usage-error.ts'

/** A process class that a module exports. */
export type LoadedClass = AnyProcessClass & typeof Process

/** The process classes that a module exports, by their registered names. */
export type ProcessClasses = ReadonlyMap<string, LoadedClass>

/**
 * Loads a user's TypeScript or JavaScript module and returns the process classes that it exports. Its imports of `damson`
 * get this copy of the package, so that classes are the same objects.
 *
 * @throws UsageError for a file that is missing, can't be loaded, or exports no process class
 */
export async function loadClasses(path: string): Promise<ProcessClasses> {
  const { classes, exported } = await loadModule(path)
  if (classes.size === 0) throw new UsageError(noClass(path, exported))
  return classes
}

/**
 * As `loadClasses`, with the actor classes of the list that the module exports as `actors`.
 *
 * @throws UsageError also for a module that exports neither
 */
export async function loadRunnable(
  path: string,
): Promise<{ readonly classes: ProcessClasses; readonly actors: readonly AnyActorClass[] }> {
  const { classes, exported } = await loadModule(path)
  const { actors = [] } = exported as { readonly actors?: unknown }
  if (!Array.isArray(actors) || actors.some((one) => typeof one !== 'function'))
    throw new UsageError(`${path} exports as \`actors\` what is no list of classes`)
  if (classes.size === 0 && actors.length === 0) throw new UsageError(noClass(path, exported))
  return { classes, actors: actors as readonly AnyActorClass[] }
}

async function loadModule(
  path: string,
): Promise<{ readonly classes: ProcessClasses; readonly exported: object }> {
  requireFile(path)
  const exported = await load(path)
  const own = new Set<unknown>(Object.values(damson))
  const classes = new Map<string, LoadedClass>()
  for (const value of Object.values(exported)) {
    if (isProcessClass(value) && !own.has(value)) classes.set(registeredName(value), value)
  }
  return { classes, exported }
}

/** Returns the class of this name, or the only class. @throws UsageError */
export function pick(
  classes: ProcessClasses,
  name: string | undefined,
  path: string,
): { readonly name: string; readonly processClass: LoadedClass } {
  const names = [...classes.keys()]
  const chosen = name ?? (names.length === 1 ? names[0] : undefined)
  if (chosen === undefined) {
    throw new UsageError(`${path} exports several process classes; say which one: ${names.join(', ')}`)
  }
  const processClass = classes.get(chosen)
  if (processClass !== undefined) return { name: chosen, processClass }
  const near = nearest(chosen, names)
  throw new UsageError(
    `${path} exports no process class ${chosen}; ` +
      (near === undefined ? `it exports ${names.join(', ')}` : `did you mean ${near}?`),
  )
}

function requireFile(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found?.isFile()) return
  if (found !== undefined) throw new UsageError(`${path} is no file; give the file of a module`)
  const near = nearest(basename(path), filesIn(dirname(path)))
  throw new UsageError(`there is no module ${path}${near === undefined ? '' : `; did you mean ${near}?`}`)
}

function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

async function load(path: string): Promise<object> {
  try {
    const jiti = await moduleLoader(path)
    return await jiti.import<object>(resolve(path))
  } catch (error) {
    if (error instanceof DamsonError) throw error
    throw new UsageError(`can't load ${path}: ${error instanceof Error ? reason(error) : String(error)}`)
  }
}

/** Returns the error and, if known, the line of the user's code that threw it. */
function reason(error: Error): string {
  const at = error.stack
    ?.split('\n')
    .find((line) => /^\s+at /.test(line) && !/node:|node_modules/.test(line))
    ?.trim()
  return `${error.name}: ${error.message}${at === undefined ? '' : `\n  ${at}`}`
}

function isProcessClass(value: unknown): value is LoadedClass {
  return typeof value === 'function' && value.prototype instanceof Process
}

function noClass(path: string, exported: object): string {
  const names = Object.keys(exported)
  const foreign = Object.values(exported).some(
    (value) => typeof value === 'function' && 'processName' in value,
  )
  if (foreign) {
    return `the process classes of ${path} extend the Process of another copy of damson; import it as 'damson'`
  }
  const has = names.length === 0 ? 'it exports nothing' : `it exports ${names.join(', ')}`
  return `${path} exports no class that extends Process; ${has}`
}
