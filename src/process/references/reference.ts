import { IncompatibleBundle } from '../../shared/errors.ts'
import { INSPECT } from '../../shared/inspect.ts'
import { isJsonObject } from '../../shared/json.ts'
import { isHandle } from '../state/awaits.ts'
import { AllowFailure, Quoted } from '../host/input-marks.ts'
import type { Ref } from '../host/process-handle.ts'
import { DoneReference, OutputReference } from './output-reference.ts'
import { Search } from './search.ts'

/** The name of the saved type of references. */
export const REFERENCE_TYPE = 'process.reference'

/** A reference as it is saved in inputs. */
export interface SavedReference {
  readonly pid: string
  /** The key of an output; without it, the result. */
  readonly output?: string | number
  /** Whether it stands for the successful end, with the value true. */
  readonly done?: true
  /** Whether it stands for the settled outcome. */
  readonly allowFailure?: true
}

/**
 * A reference from its saved form.
 *
 * @param path where it is saved, such as `inputs.cutoff`
 * @throws IncompatibleBundle if it is damaged
 */
export function readReference(value: unknown, path: string): SavedReference {
  if (isJsonObject(value)) {
    const { pid, output, done, allowFailure } = value
    const isKey = output === undefined || typeof output === 'string' || typeof output === 'number'
    if (typeof pid === 'string' && isKey) {
      return {
        pid,
        ...(output !== undefined && { output }),
        ...(done === true && { done }),
        ...(allowFailure === true && { allowFailure }),
      }
    }
  }
  throw new IncompatibleBundle(`${path} is damaged: it is not a reference to a process`)
}

/**
 * What stands in the inputs of a launched process for the value that another process is to give.
 * Elsewhere, and within `quote`, a handle is a handle.
 */
export class Reference implements Ref {
  declare readonly '~value': unknown
  readonly saved: SavedReference

  constructor(saved: SavedReference) {
    this.saved = saved
  }

  get pid(): string {
    return this.saved.pid
  }

  /** What Node and `damson show` print. */
  [INSPECT](): string {
    const { pid, output, done, allowFailure } = this.saved
    const what = done === true ? 'the end' : output === undefined ? 'the result' : `output ${output}`
    return `Reference { ${what} of ${pid}${allowFailure === true ? ', also if it fails' : ''} }`
  }

  toJSON(): { readonly $process: string; readonly output?: string | number } {
    const { pid, output } = this.saved
    return { $process: pid, ...(output !== undefined && { output }) }
  }
}

/** Inputs with references in place of handles and the like. */
export interface Referring<T> {
  readonly inputs: T
  /** Whether any value is to come from another process. */
  readonly refers: boolean
}

/**
 * Puts references in place of what stands for values of other processes, and takes quoted values
 * out of their quotes. Inputs without any of these are returned as the same object.
 */
export function referring<T>(inputs: T): Referring<T> {
  const search = Search.for(inputs, isSpecial)
  if (search === undefined) return { inputs, refers: false }
  const values = new Map<object, unknown>()
  let refers = false
  for (const item of search.found) {
    if (item instanceof Quoted) {
      values.set(item, item.value)
      continue
    }
    refers = true
    if (!(item instanceof Reference)) values.set(item, new Reference(savedReference(item)))
  }
  return { inputs: search.replaced(values) as T, refers }
}

function isSpecial(value: object): boolean {
  return value instanceof Quoted || isReference(value)
}

/** Whether an object stands for a value or the end of a process where references do. */
export function isReference(value: unknown): value is object {
  return (
    value instanceof Reference ||
    value instanceof OutputReference ||
    value instanceof DoneReference ||
    value instanceof AllowFailure ||
    isHandle(value)
  )
}

/** @throws TypeError for `allowFailure` of anything but a handle or a reference */
export function savedReference(value: unknown): SavedReference {
  if (value instanceof AllowFailure) return { ...savedReference(value.handle), allowFailure: true }
  if (value instanceof Reference) return value.saved
  if (value instanceof OutputReference) return { pid: value.pid, output: value.key }
  if (value instanceof DoneReference) return { pid: value.pid, done: true }
  if (isHandle(value)) return { pid: value.pid }
  throw new TypeError(
    'allowFailure takes a handle or a reference, as `launch` and `handle.outputs.ref` give them. Has an `await` been forgotten before `launch`?',
  )
}
